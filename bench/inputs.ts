import { mkdir, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type FoundImage, findImage } from '#src/catalog/find-image.js';
import { exists } from '#src/io/file/exists.js';
import { generateArchives } from './generate.js';
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

const installer = 'debian-installer-12-netboot-amd64';

export async function prepareInputs(folder: string): Promise<Inputs> {
  await mkdir(folder, { recursive: true });
  const make = (command: string) => runShell(command, { folder, environment: {} });
  const images = join(folder, installer, 'usr/lib/debian-installer/images/12/amd64');
  if (!(await exists(images)))
    await make(`apt-get download -q ${installer} && dpkg -x ${installer}_*.deb ${installer}`);
  const text = join(images, 'text/debian-installer/amd64/initrd.gz');
  const zstd = join(folder, 'bench-installer.zst');
  if (!(await exists(zstd)))
    await make(`zcat ${text} | zstd -q -T0 -12 -o ${zstd}.part && mv ${zstd}.part ${zstd}`);
  const reference = await findReference();
  const libraries = join(folder, 'bench-libraries.cpio');
  if (!(await exists(libraries))) {
    // gzip ends at the zeros behind an archive with a warning: 2.
    const unpack = `(zcat ${reference.initrd} 2> /dev/null || test $? = 2) | cpio -idm --quiet`;
    const pack = `(echo usr; find usr/lib | LC_ALL=C sort) | cpio -o -H newc --quiet > ${libraries}.part`;
    await make(
      `rm -rf bench-root && mkdir bench-root && (cd bench-root && ${unpack} && ${pack}) && rm -rf bench-root && mv ${libraries}.part ${libraries}`,
    );
  }
  const large = join(folder, 'bench-large.img');
  if (!(await exists(large))) {
    const archives = generateArchives({ bytes: 2 ** 30, files: 200_000, perFolder: 500 }, 1);
    await writeCompressed(`${large}.part`, archives, 'gzip -6 -n');
    await rename(`${large}.part`, large);
  }
  return {
    text,
    zstd,
    gtk: join(images, 'gtk/debian-installer/amd64/initrd.gz'),
    reference,
    libraries,
    large,
  };
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
