import { mkdir, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type FoundImage, findImage } from '#src/catalog/find-image.js';
import { exists } from '#src/io/file/exists.js';
import { generateArchives } from './generate.js';
import { explainFailure } from './measure.js';
import { runShell } from './shell.js';
import { writeCompressed } from './write-compressed.js';

/** Images of other people's making, and a large generated one. */
export interface Inputs {
  /** The Debian installer: 40 MB, 137 MB unpacked; the same with zstd. */
  readonly text: string;
  readonly zstd: string;
  /** 73 MB, 229 MB unpacked. */
  readonly gtk: string;
  readonly reference: FoundImage;
  /** Its libraries, without compression: 41 MB. */
  readonly libraries: string;
  /** 1 GB before compression, in 200,000 files. */
  readonly large: string;
}

export interface MadeInputs {
  readonly inputs: Inputs;
  /** Files that could not be made -> why. */
  readonly failed: ReadonlyMap<string, string>;
}

const installer = 'debian-installer-12-netboot-amd64';

/** Where the inputs are or will be. The reference image has a name for its path: nothing has looked for it yet. */
export function nameInputs(folder: string): Inputs {
  const images = join(folder, installer, 'usr/lib/debian-installer/images/12/amd64');
  return {
    text: join(images, 'text/debian-installer/amd64/initrd.gz'),
    zstd: join(folder, 'bench-installer.zst'),
    gtk: join(images, 'gtk/debian-installer/amd64/initrd.gz'),
    reference: { name: 'reference', initrd: 'reference', cmdline: '', expect: [] },
    libraries: join(folder, 'bench-libraries.cpio'),
    large: join(folder, 'bench-large.img'),
  };
}

/** Makes those of the named inputs that are not there. One that cannot be made costs only the rows that read it. */
export async function makeInputs(folder: string, wanted: ReadonlySet<string>): Promise<MadeInputs> {
  await mkdir(folder, { recursive: true });
  const failed = new Map<string, string>();
  let inputs = nameInputs(folder);
  const { text, gtk, zstd, libraries, large } = inputs;
  const make = async (path: string, write: () => Promise<void>, ...parts: string[]) => {
    if (![path, ...parts].some((each) => wanted.has(each)) || (await exists(path))) return;
    console.error(`making ${path.replace(`${folder}/`, '')}`);
    await write().catch((error: Error) => failed.set(path, explainFailure(error)));
  };
  const run = async (command: string) => {
    await runShell(command, { folder, environment: {} });
  };

  const download = () => run(`apt-get download -q ${installer} && dpkg -x ${installer}_*.deb ${installer}`);
  await make(text, download, zstd);
  await make(gtk, download);
  await make(zstd, () => run(`zcat ${text} | zstd -q -T0 -12 -o ${zstd}.part && mv ${zstd}.part ${zstd}`));
  const { initrd } = inputs.reference;
  await make(
    initrd,
    async () => {
      inputs = { ...inputs, reference: await findReference() };
    },
    libraries,
  );
  await make(libraries, async () => {
    if (failed.has(initrd)) throw new Error(failed.get(initrd));
    await run(packLibraries(inputs.reference.initrd, libraries));
  });
  await make(large, async () => {
    const archives = generateArchives({ bytes: 2 ** 30, files: 200_000, perFolder: 500 }, 1);
    await writeCompressed(`${large}.part`, archives, 'gzip -6 -n');
    await rename(`${large}.part`, large);
  });
  return { inputs, failed };
}

function packLibraries(initrd: string, path: string): string {
  // gzip ends at the zeros behind an archive with a warning: 2.
  const unpack = `(zcat ${initrd} 2> /dev/null || test $? = 2) | cpio -idm --quiet`;
  const pack = `(echo usr; find usr/lib | LC_ALL=C sort) | cpio -o -H newc --quiet > ${path}.part`;
  return `rm -rf bench-root && mkdir bench-root && (cd bench-root && ${unpack} && ${pack}) && rm -rf bench-root && mv ${path}.part ${path}`;
}

function findReference(): Promise<FoundImage> {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return findImage('reference', {
    roots: [resolve('images')],
    home: homedir(),
    folder: resolve('.'),
    cache: join(cache, 'moby-patch/images'),
    signal: new AbortController().signal,
    log: (line) => console.error(line),
  });
}
