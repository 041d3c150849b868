import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { openImage } from '#src/unpack/open-image.js';
import { createTestFolder, signal } from '../fixtures/archive.js';
import { noBusybox } from '../fixtures/images/busybox.js';
import { findWrittenImage, noWriters, type Writer } from '../fixtures/images/debian-writers.js';
import { findInstaller, findKernel } from '../fixtures/images/kernel.js';
import { runMoby } from '../fixtures/images/moby.js';
import { findReference } from '../fixtures/images/reference.js';
import { declareSerialTest, findMissingProgram, notRoot } from '../fixtures/needs.js';
import { isSoak, sampleBy } from '../fixtures/soak.js';
import { listInGuest, noGuest, withoutBuiltIn } from './guest-listing.js';
import { holdAgainstReader } from './hold-against-reader.js';
import { compareListings, listImage } from './listing.js';
import { type Reader, readers } from './readers.js';
import { putDirectory, putFile, rewrite } from './rewrite.js';

const kernel = await findKernel();
const installer = await findInstaller();

interface Vendor {
  readonly name: string;
  readonly missing: string | undefined;
  find(t: ExecutionContext): Promise<string>;
  /** Parts that it has at the least, microcode among them. */
  readonly parts: number;
  readonly entries: number;
  /** A file of it, which a patch changes. */
  readonly changed?: string;
  /** Of several like it one is read in every run; the others, and a boot of each, are in `npm run test:soak`. */
  readonly every: 'read' | 'none';
  /** MiB that a guest with it needs. */
  readonly memory?: number;
}

const written = (writer: Writer) => async (): Promise<string> => {
  if (typeof kernel === 'string') throw new Error(kernel);
  const image = await findWrittenImage(writer, kernel);
  if (image === undefined) throw new Error(`the packages of ${writer} cannot be downloaded`);
  return image;
};
const noKernel = typeof kernel === 'string' ? kernel : undefined;
const noInstaller = typeof installer === 'string' ? installer : undefined;
const findInstallerImage = (flavour: 'text' | 'gtk') => async () => {
  if (typeof installer === 'string') throw new Error(installer);
  return installer.initrd.replace('/text/', `/${flavour}/`);
};

const vendors: readonly Vendor[] = [
  {
    name: 'mkinitramfs with microcode, zstd',
    every: 'read',
    missing: noWriters ?? noKernel,
    find: written('mkinitramfs'),
    parts: 2,
    entries: 500,
    changed: 'conf/initramfs.conf',
    memory: 512,
  },
  {
    name: 'dracut with microcode',
    every: 'none',
    missing: noWriters ?? noKernel,
    find: written('dracut'),
    parts: 2,
    entries: 500,
    changed: 'usr/lib/initrd-release',
    memory: 512,
  },
  {
    name: "Debian's installer, text",
    every: 'read',
    missing: noInstaller,
    find: findInstallerImage('text'),
    parts: 1,
    entries: 2000,
    changed: 'etc/inittab',
    memory: 1024,
  },
  {
    name: "Debian's installer, graphical",
    every: 'none',
    missing: noInstaller,
    find: findInstallerImage('gtk'),
    parts: 1,
    entries: 2000,
  },
  {
    name: 'the reference image',
    every: 'read',
    missing: notRoot ?? findMissingProgram('debootstrap', 'depmod'),
    find: async (t) => (await findReference(t)).initrd,
    parts: 2,
    entries: 2000,
  },
];

const chosen = sampleBy(vendors, ({ every }) => every !== 'none');

for (const { name, missing, find, parts, entries, changed, memory } of chosen) {
  const needed = notRoot ?? findMissingProgram('cpio') ?? missing;

  declareSerialTest(
    needed,
    `GNU cpio reads what we read, and a build without patches is the input: ${name}`,
    async (t) => {
      const path = await find(t);
      await using image = await openImage(path, { signal });
      t.true(image.layout.segments.filter(({ kind }) => kind === 'cpio').length >= parts);
      t.true(image.entries.size > entries);
      await holdAgainstReader(t, image, 'GNU cpio');

      const folder = await createTestFolder(t);
      const output = join(folder, 'output');
      const { code, stderr } = await runMoby(['build', '-i', path, '-o', output, '--no-verify'], { folder });
      t.is(code, 0, stderr);
      t.true((await readFile(output)).equals(await readFile(path)));
    },
  );

  if (changed === undefined || !isSoak) continue;
  const others = needed ?? noGuest ?? findMissingProgram('bsdtar') ?? noBusybox;
  declareSerialTest(
    others,
    `with one file changed, every reader and a kernel see the same: ${name}`,
    async (t) => {
      await using image = await openImage(await find(t), { signal });
      const folder = await createTestFolder(t);
      t.is(image.entries.get(changed)?.type, 'file');
      const changes = [
        putFile(changed, 'changed'),
        putDirectory('added'),
        putDirectory('added/more'),
        putFile('added/file', 'new'),
      ];
      await using written = await rewrite(image, changes, join(folder, 'written'), folder);
      t.is(written.entries.get(changed)?.size, 7);
      for (const reader of Object.keys(readers) as Reader[]) await holdAgainstReader(t, written, reader);

      const wanted = await listImage(written);
      const { listing, console } = await listInGuest(written.file, folder, memory);
      t.deepEqual(compareListings(withoutBuiltIn(listing, wanted), wanted).slice(0, 20), []);
      t.notRegex(console, /Initramfs unpacking failed/);
    },
  );
}
