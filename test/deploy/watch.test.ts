import { truncate, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import test from 'ava';
import { createTestFolder } from '../fixtures/archive.js';
import { runMoby } from '../fixtures/moby.js';
import { createApplication, createRelease, sha256 } from './application.js';

test('watch patches what an updater writes, when the file is whole, and ends when it is told to', async (t) => {
  const application = await createApplication(await createTestFolder(t));
  t.is((await application.moby('apply', '-q', '--no-verify')).code, 0);
  const patched = await application.digest();
  const image = createRelease({ os: '2' });
  let stop = () => {};
  const watching = runMoby(['watch', '--no-verify', '--settle', '1', '--interval', '1'], {
    folder: application.folder,
    environment: { XDG_STATE_HOME: application.state },
    onLine: (_, child) => {
      stop = () => child.kill('SIGTERM');
    },
  });
  t.teardown(() => stop());
  // An updater that writes in place, with a break in the middle.
  await application.upgrade('1.13.0', image);
  await truncate(application.image, image.length / 2);
  await wait(300);
  await writeFile(application.image, image);
  const end = Date.now() + 120_000;
  const isDone = async () => ![patched, sha256(image)].includes(await application.digest());
  while (!(await isDone()) && Date.now() < end) await wait(200);
  t.is((await application.status()).status, 'patched');
  stop();
  const { stdout } = await watching;
  t.regex(stdout, /was upgraded: /);
});
