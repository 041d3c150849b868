import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createArchive, directory, file, gzip, pad } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import type { Ran } from '../fixtures/images/moby.js';

/** A simulated application bundle in a project folder with one patch. */
export interface Application {
  readonly folder: string;
  readonly image: string;
  /** The state folder of the user. */
  readonly state: string;
  /** Replaces the installed release by another one, as an updater does. */
  upgrade(version: string, image: Uint8Array): Promise<void>;
  digest(): Promise<string>;
  /** Runs a command in the process of the test. */
  moby(...args: string[]): Promise<Ran>;
  status(): Promise<{ code: number | null; status: string; reason: string; next?: string; rebuilt: boolean }>;
}

const definition = `title: A simulated application
candidates:
  - generation: the only one
    initrd: ../App/Contents/Resources/moby/initrd.img
    version: { file: ../App/Contents/Info.plist, key: CFBundleShortVersionString }
`;

const patch = `title: Say hello
parameters:
  name: {default: world, description: whom to greet}
steps:
  - file: {path: etc/motd, content: "hello \${name}\\n"}
  - file: {path: etc/hello, content: "hi\\n"}
`;

/** The image of a release; the patch replaces its /etc/motd. */
export function createRelease({ motd = 'motd\n', os = '1', second = false } = {}): Buffer {
  const root = createArchive([
    directory('.'),
    directory('etc'),
    file('etc/motd', motd),
    file('etc/os', os),
    file('init', '#!/bin/sh\n', { mode: 0o100755 }),
  ]);
  const more = createArchive([directory('.'), directory('containers'), file('containers/one', os)]);
  return Buffer.concat([pad(gzip(root, 9)), ...(second ? [pad(gzip(more, 9))] : [])]);
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export async function createApplication(folder: string, image = createRelease()): Promise<Application> {
  const place = join(folder, 'App/Contents/Resources/moby/initrd.img');
  const state = join(folder, 'state');
  const environment = { XDG_STATE_HOME: state, XDG_CACHE_HOME: join(folder, 'cache') };
  await mkdir(join(folder, 'App/Contents/Resources/moby'), { recursive: true });
  for (const name of ['images', 'patches/motd']) await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, 'images/app.yaml'), definition);
  await writeFile(join(folder, 'patches/motd/patch.yaml'), patch);
  await writeFile(join(folder, 'moby-patch.yaml'), 'image: app\npatches: [motd]\n');
  const application: Application = {
    folder,
    image: place,
    state,
    async upgrade(version, bytes) {
      await writeFile(`${place}.new`, bytes);
      await rename(`${place}.new`, place);
      await writeFile(
        join(folder, 'App/Contents/Info.plist'),
        `<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"><dict><key>CFBundleShortVersionString</key><string>${version}</string></dict></plist>\n`,
      );
    },
    digest: async () => sha256(await readFile(place)),
    moby: (...args) => callMoby(args, folder, environment),
    async status() {
      const { code, stdout } = await application.moby('status', '--json');
      return { code, ...JSON.parse(stdout) };
    },
  };
  await application.upgrade('1.12.0', image);
  return application;
}

/** The state folder of the application's image. */
export async function findState({ state }: Application): Promise<string> {
  const [name = ''] = await readdir(join(state, 'moby-patch'));
  return join(state, 'moby-patch', name);
}
