import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createArchive, createTestFolder, directory, file, gzip } from '../fixtures/archive.js';
import { cli } from '../fixtures/images/moby.js';
import { declareSerialTest, findMissingProgram, notRoot } from '../fixtures/needs.js';
import { type Application, createApplication, createRelease, sha256 } from './application.js';

/** About 170 KB: a file system of 250 KB has room for one of them, not for two. */
const large = gzip(
  createArchive([
    directory('.'),
    directory('etc'),
    file('init', '#!/bin/sh\n', { mode: 0o100755 }),
    file('etc/noise', randomBytes(150_000).toString('hex')),
  ]),
);
const quick = ['-q', '--no-verify'];
const missing = process.platform === 'linux' ? (notRoot ?? canMount()) : 'skipped: not Linux';

function canMount(): string | undefined {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'skipped: no right to mount';
  }
}

/** An application whose image is on a file system of its own. */
async function mountApplication(
  t: ExecutionContext,
  size: string,
): Promise<Application & { readonly volume: string }> {
  const folder = await createTestFolder(t);
  const volume = join(folder, 'App/Contents/Resources/moby');
  await mkdir(volume, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'none', volume]);
  t.teardown(() => execFileSync('umount', [volume]));
  // Teardowns run last to first: the volume goes before the folder.
  return { ...(await createApplication(folder, large)), volume };
}

async function expectUntouched(t: ExecutionContext, application: Application, digest: string): Promise<void> {
  t.is(await application.digest(), digest);
  t.deepEqual(await readdir(dirname(application.image)), [basename(application.image)]);
}

declareSerialTest(missing, 'a volume without room for a second image: nothing is changed', async (t) => {
  const application = await mountApplication(t, '250k');
  const { code, stderr } = await application.moby('apply', ...quick);
  t.is(code, 5, stderr);
  t.regex(stderr, /the disk is full.*nothing was replaced \[disk-failed\]/);
  await expectUntouched(t, application, sha256(large));
  execFileSync('mount', ['-o', 'remount,size=4m', application.volume]);
  t.is((await application.moby('apply', ...quick)).code, 0);
});

declareSerialTest(missing, 'a read-only volume: nothing is changed', async (t) => {
  const application = await mountApplication(t, '4m');
  execFileSync('mount', ['-o', 'remount,ro', application.volume]);
  const { code, stderr } = await application.moby('apply', ...quick);
  t.is(code, 2, stderr);
  t.regex(stderr, /mounted read-only.*nothing was replaced \[replace-refused\]/);
  await expectUntouched(t, application, sha256(large));
});

declareSerialTest(
  missing ?? findMissingProgram('chattr'),
  'a file that the system protects: nothing is changed',
  async (t) => {
    const application = await createApplication(await createTestFolder(t));
    try {
      execFileSync('chattr', ['+i', application.image], { stdio: 'ignore' });
    } catch {
      t.pass('this file system has no such attribute');
      return;
    }
    try {
      const { code, stderr } = await application.moby('apply', ...quick);
      t.is(code, 2, stderr);
      t.regex(stderr, /the system protects the file.*nothing was replaced \[replace-refused\]/);
      await expectUntouched(t, application, sha256(createRelease()));
    } finally {
      execFileSync('chattr', ['-i', application.image]);
    }
  },
);

declareSerialTest(missing ?? findMissingProgram('python3'), 'extended attributes stay', async (t) => {
  const application = await createApplication(await createTestFolder(t));
  const attribute = (call: string) =>
    execFileSync('python3', ['-c', `import os, sys; print(os.${call})`, application.image], {
      encoding: 'utf8',
    });
  attribute("setxattr(sys.argv[1], 'user.note', b'kept')");
  for (const command of [
    ['apply', ...quick],
    ['restore', '-q'],
  ]) {
    t.is((await application.moby(...command)).code, 0);
    t.is(attribute("getxattr(sys.argv[1], 'user.note')"), "b'kept'\n");
  }
});

declareSerialTest(missing, 'a user without the right to write: nothing is changed', async (t) => {
  const application = await createApplication(await createTestFolder(t));
  const { folder, image } = application;
  const state = join(folder, 'of-nobody');
  await mkdir(state);
  await chmod(state, 0o777);
  await chmod(folder, 0o755);
  const child = spawn(process.execPath, [cli, 'apply', ...quick], {
    cwd: folder,
    env: { ...process.env, XDG_STATE_HOME: state, HOME: state },
    uid: 65534,
    gid: 65534,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  for await (const piece of child.stderr) stderr += piece;
  t.regex(stderr, /no right to write in its folder.*nothing was replaced \[replace-refused\]/);
  await expectUntouched(t, application, sha256(createRelease()));
  t.is(await application.digest(), sha256(createRelease()), image);
});

test('an image that another program writes while apply runs is left alone', async (t) => {
  const application = await createApplication(await createTestFolder(t));
  const definition = join(application.folder, 'images/app.yaml');
  const other = createRelease({ os: 'other' });
  await writeFile(join(application.folder, 'other.img'), other);
  // The definition's question whether the application runs comes last before the replacement.
  const { readFile } = await import('node:fs/promises');
  const writer = `application:\n  running: [sh, -c, "cp ${application.folder}/other.img ${application.image}; exit 1"]\n`;
  await writeFile(definition, (await readFile(definition, 'utf8')) + writer);
  const { code, stderr } = await application.moby('apply', ...quick);
  t.is(code, 1);
  t.regex(stderr, /image-changed/);
  t.is(await application.digest(), sha256(other));
});
