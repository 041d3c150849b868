import { gzipSync } from 'node:zlib';
import { encodeTrailer } from '#src/format/cpio/cpio-writer.js';
import { bootTest, createInit, withBench } from '../boot/tiny-guest.js';
import { createTinyArchive, encodeEntry } from '../boot/tiny-image.js';
import { pad } from '../fixtures/archive.js';
import { createApplication } from './application.js';

/** A release that boots, and prints the files of the patch and its own. */
async function createBootable(os: string, { motd = 'motd\n', second = false } = {}): Promise<Buffer> {
  const init = createInit('cat /etc/motd /etc/hello; cat /etc/os; echo; cat /containers/one; echo');
  const root = await createTinyArchive(init, [
    { path: 'etc/motd', body: motd },
    { path: 'etc/os', body: `release ${os}` },
  ]);
  const more = [
    encodeEntry({ path: 'containers', type: 'directory', mode: 0o755 }),
    encodeEntry({ path: 'containers/one', body: `second of ${os}` }),
    encodeTrailer(),
  ];
  const segments = [root, ...(second ? [Buffer.concat(more)] : [])];
  return Buffer.concat(segments.map((bytes) => pad(gzipSync(bytes, { level: 1 }))));
}

const expected = ['--expect', '^hello world$', '--expect', '^hi$'];

bootTest('after three upgrades the installed image is one that booted', (t) =>
  withBench(t, async ({ folder, kernel }) => {
    const application = await createApplication(folder, await createBootable('1.12.0'));
    const boot = ['--kernel', kernel.kernel, ...expected];
    t.is((await application.moby('apply', '--no-verify')).code, 0);
    await application.upgrade('1.12.1', await createBootable('1.12.1'));
    t.is((await application.moby('reapply', '--no-verify')).code, 0);
    await application.upgrade('1.13.0', await createBootable('1.13.0', { second: true }));
    t.is((await application.moby('reapply', '--no-verify')).code, 0);
    await application.upgrade(
      '1.13.1',
      await createBootable('1.13.1', { second: true, motd: 'upstream speaks\n' }),
    );
    const all = [...boot, '--expect', '^release 1\\.13\\.1$', '--expect', '^second of 1\\.13\\.1$'];
    const { code, stdout, stderr } = await application.moby('reapply', ...all);
    t.is(code, 0, stderr);
    t.regex(stdout, /conflict etc\/motd: changed upstream/);
    t.regex(stdout, /patched, booted and installed/);
    const status = await application.moby('status', '--json', '--kernel', kernel.kernel);
    t.regex(JSON.parse(status.stdout).reason, /booted before it was installed$/);
  }),
);

bootTest('the next apply boots what was installed without a boot', (t) =>
  withBench(t, async ({ folder, kernel }) => {
    const application = await createApplication(folder, await createBootable('1.12.0'));
    const boot = ['--kernel', kernel.kernel];
    t.is((await application.moby('apply', '--no-verify')).code, 0);
    const installed = await application.digest();
    t.regex((await application.status()).reason, /never booted$/);
    t.is((await application.moby('reapply', ...boot)).code, 6, 'reapply is for upgrades');
    const refused = await application.moby('apply', ...boot, '--expect', '^never$', '--timeout', '10');
    t.is(refused.code, 4, refused.stderr);
    t.regex(
      refused.stderr,
      /the installed image, which was never booted, does not boot: .*\n +try: moby-patch restore /,
    );
    t.regex((await application.status()).reason, /never booted$/);
    const proved = await application.moby('apply', ...boot, ...expected);
    t.is(proved.code, 0, proved.stderr);
    t.regex(proved.stdout, /it booted now and stays installed/);
    t.is(await application.digest(), installed);
    t.regex((await application.status()).reason, /booted before it was installed$/);
    t.regex((await application.moby('apply', ...boot)).stdout, /nothing to do/);
  }),
);
