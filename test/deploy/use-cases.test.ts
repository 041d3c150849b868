import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { apply } from '#src/deploy/apply.js';
import { reapply } from '#src/deploy/reapply.js';
import { restore } from '#src/deploy/restore.js';
import { status } from '#src/deploy/status.js';
import { type WatchEvent, watch } from '#src/deploy/watch/watch.js';
import type { Report } from '#src/model/result/report.js';
import { createSession } from '#src/setup/session.js';
import { createTestFolder } from '../fixtures/archive.js';
import { type Application, createApplication, createRelease, sha256 } from './application.js';

const request = { verify: false };

function openSession({ folder, state }: Application, signal = new AbortController().signal) {
  const environment = { ...process.env, XDG_STATE_HOME: state, XDG_CACHE_HOME: join(folder, 'cache') };
  return createSession({ folder, environment, signal, cache: false });
}

const setUp = async (t: ExecutionContext) => createApplication(await createTestFolder(t));

test('status, apply, reapply and restore of a session return what they found and did', async (t) => {
  const application = await setUp(t);
  await using session = openSession(application);
  t.like(await status({}, session), { status: 'stock', wanted: false, name: 'app', version: '1.12.0' });

  const reports: Report[] = [];
  const applied = await apply({ request, onReport: (report) => reports.push(report) }, session);
  t.like(applied, { changed: true, before: { status: 'stock' }, conflicts: undefined });
  t.is(applied.deployment?.patched.sha256, await application.digest());
  t.deepEqual(reports, [applied.report]);
  t.like(await status({}, session), { status: 'patched', wanted: true });
  t.like(await apply({ request }, session), { changed: false, before: { status: 'patched' } });

  const next = createRelease({ os: '2' });
  await application.upgrade('1.13.0', next);
  const texts: unknown[] = [];
  const onReport = ({ diff }: Report) => texts.push(diff?.differences.map(({ text }) => text));
  t.like(await reapply({ request, texts: true, onReport }, session), {
    changed: true,
    before: { status: 'upgraded' },
    conflicts: [],
  });
  t.deepEqual(texts, [[undefined, ['@@ -1 +1 @@', '-motd', '+hello world']]]);
  const restored = await restore({ target: {} }, session);
  t.like(restored, { changed: true, before: { status: 'patched' }, stock: sha256(next) });
  t.is(await application.digest(), sha256(next));
  t.like(await reapply({ request }, session), { changed: false, before: { status: 'stock' } });
});

test('an error of a use case is thrown with its code and its hint', async (t) => {
  const application = await setUp(t);
  await using session = openSession(application);
  await t.throwsAsync(restore({ target: { image: 'nothing' } }, session), { code: 'image-unknown' });
  await apply({ request }, session);
  await application.upgrade('1.13.0', createRelease({ os: '2' }));
  const error = await t.throwsAsync(restore({ target: {} }, session), { code: 'restore-downgrades' });
  t.regex(String(Reflect.get(error, 'hint')), /moby-patch reapply/);
});

test('without patches, and without a place for the state, nothing is applied', async (t) => {
  const application = await setUp(t);
  const before = await application.digest();
  await writeFile(application.state, 'a file in the place of the folder');
  const blocked = await application.moby('apply', '-q', '--no-verify');
  t.regex(
    blocked.stderr,
    /cannot keep the state: (ENOTDIR|EEXIST) .* \[state-unwritable\]\n {2}try: .*XDG_STATE_HOME/,
  );
  await rm(application.state);
  await writeFile(join(application.folder, 'moby-patch.yaml'), 'image: app\n');
  t.regex(
    (await application.moby('apply', '-q', '--no-verify')).stderr,
    /no patches were named \[patches-missing\]/,
  );
  t.is(await application.digest(), before);
});

test('watch yields an event for each reapply, and ends with its signal', async (t) => {
  const application = await setUp(t);
  const controller = new AbortController();
  const open = async () => openSession(application, controller.signal);
  await using session = await open();
  await apply({ request }, session);
  const image = createRelease({ os: '2' });
  await application.upgrade('1.13.0', image);
  const events: WatchEvent[] = [];
  for await (const event of watch({ request, interval: 1, settle: 1 }, open)) {
    events.push(event);
    if (event.kind !== 'watching') controller.abort();
  }
  t.like(events[0], { kind: 'watching', image: application.image });
  t.like(events[1], { kind: 'deployed', deployed: { changed: true, before: { status: 'upgraded' } } });
  t.is(events.length, 2);
  t.not(await application.digest(), sha256(image));
});

test('paths in a configuration begin at its folder, wherever a command is run', async (t) => {
  const application = await setUp(t);
  const project = join(application.folder, 'project');
  await mkdir(project);
  const image = '../App/Contents/Resources/moby/initrd.img';
  await writeFile(join(project, 'moby-patch.yaml'), `image: ${image}\npatches: [../patches/motd]\n`);
  const config = ['-c', 'project/moby-patch.yaml'];
  const applied = await application.moby('apply', '-q', '--no-verify', ...config);
  t.is(applied.code, 0, applied.stderr);
  t.is((await application.moby('status', ...config)).code, 0);
});
