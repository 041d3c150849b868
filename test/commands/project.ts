import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createArchive, createTestFolder, directory, file, gzip, symlink } from '../fixtures/archive.js';

/** A stock image. */
export const image = gzip(
  createArchive([
    directory('.'),
    directory('etc'),
    file('etc/passwd', 'root\n'),
    symlink('bin', 'etc'),
    file('init', '#!/bin/sh\n', { mode: 0o100755 }),
  ]),
  9,
);

/** A patch with a parameter. */
export const motd = `title: Say hello
parameters:
  name: {default: world, description: whom to greet}
steps:
  - file: {path: etc/motd, content: "hello \${name}\\n"}
`;

/** A folder with the image as initrd.img. */
export async function createProjectFolder(t: ExecutionContext): Promise<string> {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'initrd.img'), image);
  return folder;
}

/** Writes the patch `motd` of the project. */
export async function writePatch(folder: string, text: string): Promise<void> {
  await mkdir(join(folder, 'patches/motd'), { recursive: true });
  await writeFile(join(folder, 'patches/motd/patch.yaml'), text);
}
