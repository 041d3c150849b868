import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeImage } from '#src/catalog/recipe.js';
import { lzo } from '#src/compress/lzo.js';
import { configureHostNfs } from '#src/deploy/host/nfs.js';
import { replaceImage } from '#src/deploy/replace-image.js';
import { installService } from '#src/deploy/watch/service.js';
import { connectDocker } from '#src/engine/docker/connect.js';
import { examineFile } from '#src/io/file/examine-file.js';
import { MobyPatchError } from '#src/model/error/error.js';
import { findQemu } from '#src/verify/boot/machine/machine.js';
import { createTestFolder, signal } from '../fixtures/archive.js';
import { createTestSession } from '../fixtures/session.js';

// Programs of the machine that are there and do not do what they should: a shell script stands in for each.

async function* pieces() {
  yield { kind: 'bytes', bytes: Buffer.from('x') } as const;
}

async function compress(): Promise<void> {
  const options = { level: 9, signal } as never;
  for await (const _ of lzo.write?.(pieces(), options) ?? []);
}

async function replaceWith(folder: string): Promise<void> {
  const [source, target] = [join(folder, 'new'), join(folder, 'installed')];
  for (const path of [source, target]) await writeFile(path, 'x');
  const { sha256 = '', signature } = (await examineFile(target)) ?? {};
  await replaceImage({ source, sha256, target, signature }, signal);
}

async function install(folder: string): Promise<unknown> {
  await writeFile(join(folder, 'initrd.img'), 'x');
  const session = createTestSession(folder, folder);
  const target = { image: join(folder, 'initrd.img') };
  return installService({ target, manager: 'launchd', argv: ['moby-patch', 'watch'] } as never, session);
}

async function runRecipe(folder: string): Promise<unknown> {
  const recipe = join(folder, 'recipe/make.sh');
  await mkdir(join(folder, 'recipe'));
  await writeFile(recipe, 'echo no mirror; exit 3\n');
  return makeImage(recipe, { cache: join(folder, 'cache'), log: () => {}, signal });
}

const shareNfs = (root: string) =>
  configureHostNfs({ share: '/srv', root, action: 'show', platform: 'darwin' }, { signal, environment: {} });

interface Broken {
  readonly code: string;
  /** Name -> what the program does. */
  readonly programs: Readonly<Record<string, string>>;
  /** Of the message. */
  readonly says: RegExp;
  provoke(folder: string): Promise<unknown>;
}

const all: readonly Broken[] = [
  {
    code: 'attributes-lost',
    programs: { cp: 'echo no such attribute >&2; exit 1' },
    says: /no such attribute; nothing was replaced/,
    provoke: replaceWith,
  },
  {
    code: 'compression-failed',
    programs: { lzop: 'echo broken >&2; exit 1' },
    says: /broken/,
    provoke: compress,
  },
  {
    code: 'program-unusable',
    programs: { lzop: 'cat >/dev/null; echo another format, of more bytes than a header has' },
    says: /header of an unknown form/,
    provoke: compress,
  },
  {
    code: 'qemu-broken',
    programs: { 'qemu-system-x86_64': 'echo cannot open shared object file; exit 127' },
    says: /ended with 127: cannot open shared object file/,
    provoke: () => findQemu('x86_64', signal),
  },
  { code: 'recipe-failed', programs: {}, says: /ended with 3: no mirror/, provoke: runRecipe },
  {
    code: 'docker-ssh',
    programs: { ssh: 'echo Host key verification failed. >&2; exit 255' },
    says: /Host key verification failed/,
    provoke: async () => (await connectDocker({ ...process.env, DOCKER_HOST: 'ssh://host' })).version(),
  },
  {
    code: 'service-invalid',
    programs: { plutil: 'echo Unexpected character; exit 1' },
    says: /plutil refuses it: Unexpected character/,
    provoke: install,
  },
  {
    code: 'service-not-started',
    programs: { plutil: 'exit 0', launchctl: 'echo Bootstrap failed: 5; exit 5' },
    says: /launchctl bootstrap .*: Bootstrap failed: 5/,
    provoke: install,
  },
  {
    code: 'host-file-invalid',
    programs: { nfsd: 'echo exports:1: bad line; exit 1' },
    says: /nfsd refuses the file: exports:1: bad line/,
    provoke: shareNfs,
  },
];

async function provide(t: ExecutionContext, programs: Broken['programs']): Promise<void> {
  const folder = await createTestFolder(t);
  for (const [name, text] of Object.entries(programs))
    await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  const { PATH } = process.env;
  process.env.PATH = `${folder}:${PATH}`;
  t.teardown(() => {
    process.env.PATH = PATH;
  });
}

for (const { code, programs, says, provoke } of all)
  test.serial(`${code}: the error says what the program said`, async (t) => {
    await provide(t, programs);
    const error = await t.throwsAsync(async () => provoke(await createTestFolder(t)), { code });
    t.true(error instanceof MobyPatchError);
    t.regex(error?.message ?? '', says);
  });
