import { existsSync, renameSync } from 'node:fs';
import { readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import test from 'ava';
import { createTestFolder } from '../fixtures/archive.js';
import { runMoby } from '../fixtures/images/moby.js';
import { type Application, createApplication, createRelease } from './application.js';

test('watch patches an image once an updater has written all of it, and ends on SIGTERM', async (t) => {
  const application = await createApplication(await createTestFolder(t));
  t.is((await application.moby('apply', '-q', '--no-verify')).code, 0);
  const image = createRelease({ os: '2' });
  let stop = () => {};
  let tell = () => {};
  const told = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const watching = runMoby(['watch', '--no-verify', '--settle', '1', '--interval', '1'], {
    folder: application.folder,
    environment: { XDG_STATE_HOME: application.state },
    onLine: (_, child) => {
      stop = () => child.kill('SIGTERM');
    },
    onPrinted: (stdout) => {
      if (stdout.includes('was upgraded: ')) tell();
    },
  });
  t.teardown(() => stop());
  // An updater that writes in place and pauses in the middle.
  await application.upgrade('1.13.0', image);
  await truncate(application.image, image.length / 2);
  await wait(300);
  await writeFile(application.image, image);
  await Promise.race([told, watching, wait(120_000, undefined, { ref: false })]);
  t.is((await application.status()).status, 'patched');
  stop();
  const { stdout } = await watching;
  t.regex(stdout, /was upgraded: /);
});

/** Runs a script at the definition's question whether the application runs: before the build and before the replacement. */
async function addQuestion(application: Application, script: string): Promise<void> {
  const definition = join(application.folder, 'images/app.yaml');
  const question = `application:\n  running: [sh, -c, ${JSON.stringify(`${script}; exit 1`)}]\n`;
  await writeFile(definition, (await readFile(definition, 'utf8')) + question);
}

test('reapply --settle also patches an image that an updater installs while it works', async (t) => {
  const application = await createApplication(await createTestFolder(t));
  t.is((await application.moby('apply', '-q', '--no-verify')).code, 0);
  await application.upgrade('1.13.0', createRelease({ os: '2' }));
  const next = join(application.folder, 'next.img');
  await writeFile(next, createRelease({ os: '3' }));
  const asked = join(application.folder, 'asked');
  await addQuestion(
    application,
    `if [ -e ${asked} ] && [ -e ${next} ]; then mv ${next} ${application.image}; sed -i s/1.13.0/1.13.1/ App/Contents/Info.plist; fi; touch ${asked}`,
  );
  const { code, stdout, stderr } = await application.moby('reapply', '--no-verify', '--settle', '1');
  t.is(code, 0, stderr);
  t.regex(stderr, /another program is writing this file; trying again/);
  t.regex(stdout, /was upgraded: /);
  t.is((await application.moby('cat', application.image, 'etc/os')).stdout, '3');
  t.is((await application.status()).status, 'patched');
});

test('reapply --settle waits for an application that an updater moved away for a moment', async (t) => {
  const application = await createApplication(await createTestFolder(t));
  t.is((await application.moby('apply', '-q', '--no-verify')).code, 0);
  await application.upgrade('1.13.0', createRelease({ os: '2' }));
  const [there, away] = ['App', 'App.away'].map((name) => join(application.folder, name)) as [string, string];
  await rename(there, away);
  t.regex((await application.moby('reapply', '-q', '--no-verify')).stderr, /image-not-installed/);
  const { code, stderr } = await runMoby(['reapply', '--no-verify', '--settle', '1'], {
    folder: application.folder,
    environment: { XDG_STATE_HOME: application.state },
    onLine: (line) => {
      if (/trying again$/.test(line) && existsSync(away)) renameSync(away, there);
    },
  });
  t.is(code, 0, stderr);
  t.is((await application.status()).status, 'patched');
});
