import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { withReports } from '#src/commands/shared/write-reports.js';
import { MobyPatchError } from '#src/model/error/error.js';
import { createApplication } from '../deploy/application.js';
import { createArchive, createTestFolder, directory, file, gzip } from '../fixtures/archive.js';
import { callMoby, createCommandContext } from '../fixtures/command-context.js';
import { createReport } from '../report/reports.js';

const image = gzip(
  createArchive([directory('.'), directory('etc'), file('init', '#!/bin/sh\n', { mode: 0o100755 })]),
);
const patch = 'title: Say <hello>\nsteps:\n  - file: {path: etc/motd, content: hello}\n';

async function setUp(t: ExecutionContext): Promise<string> {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'initrd.img'), image);
  await mkdir(join(folder, 'patches/motd'), { recursive: true });
  await writeFile(join(folder, 'patches/motd/patch.yaml'), patch);
  return folder;
}

test('build writes one report in every form, chosen by the endings of the names', async (t) => {
  const folder = await setUp(t);
  const names = ['r.md', 'r.html', 'r.json', 'r.junit.xml', 'r.XML', 'r.txt'];
  const reports = names.flatMap((name) => ['--report', name]);
  const args = ['build', '-q', '-i', 'initrd.img', '-p', 'motd', '--no-verify', '-o', 'out.img', ...reports];
  const { code, stderr } = await callMoby(args, folder, {});
  t.is(code, 0, stderr);
  const [md = '', html = '', json = '', junit = '', xml = '', txt = ''] = await Promise.all(
    names.map((name) => readFile(join(folder, name), 'utf8')),
  );
  t.regex(md, /^# initrd\.img: done/);
  t.regex(html, /^<!DOCTYPE html>[\s\S]*Say &lt;hello&gt;/);
  t.is(JSON.parse(json).diff.added, 1);
  t.regex(junit, /<testcase classname="moby-patch\.patch" name="motd: file etc\/motd"/);
  t.regex(junit, /name="the image boots"[^>]*><skipped message="not booted"\/>/);
  t.is(xml, junit);
  t.regex(txt, /^done in .*\n[\s\S]*\n\+ etc\/motd\n$/);
});

test('a report that cannot be written is refused before anything is done', async (t) => {
  const folder = await setUp(t);
  const refused = [
    ['x.doc', 'report-unknown'],
    ['none/x.html', 'output-unwritable'],
  ] as const;
  for (const [name, code] of refused) {
    const work = () => Promise.reject(new Error('it was begun'));
    const run = withReports({ report: ['first.txt', name] }, createCommandContext(folder), work);
    t.like(await t.throwsAsync(run), { kind: 'invalid', code });
    t.deepEqual((await readdir(folder)).sort(), ['initrd.img', 'patches']);
  }
});

test('an error after a build that passed is in its report', async (t) => {
  const folder = await createTestFolder(t);
  const error = new MobyPatchError('failed', 'upstream-conflict', 'no');
  const run = withReports({ report: ['r.json'] }, createCommandContext(folder), async (keep) => {
    keep(createReport());
    throw error;
  });
  t.is(await t.throwsAsync(run), error);
  const report = JSON.parse(await readFile(join(folder, 'r.json'), 'utf8'));
  t.like(report, { failed: true, stage: 'publish', error: { code: 'upstream-conflict' } });
  t.is(report.steps.length, 1);
});

test('a build that fails before it has an image still leaves its report', async (t) => {
  const folder = await setUp(t);
  const { code } = await callMoby(
    ['build', '-q', '-i', 'nothing', '--report', 'r.xml', '--report', 'r.json'],
    folder,
    {},
  );
  t.is(code, 2);
  t.regex(await readFile(join(folder, 'r.xml'), 'utf8'), /failures="1"[\s\S]*<failure type="configure"/);
  const report = JSON.parse(await readFile(join(folder, 'r.json'), 'utf8'));
  t.like(report, { failed: true, input: 'nothing', error: { code: 'image-unknown' } });
});

test('plan and verify write their reports', async (t) => {
  const folder = await setUp(t);
  const plan = ['plan', '-i', 'initrd.img', '-p', 'motd', '--no-verify', '--report', 'plan.json'];
  t.is((await callMoby(plan, folder, {})).code, 0);
  t.is(JSON.parse(await readFile(join(folder, 'plan.json'), 'utf8')).plan.steps.length, 1);
  const verify = ['verify', '-q', 'initrd.img', '--report', 'verify.json'];
  t.is((await callMoby(verify, folder, {})).code, 2);
  const report = JSON.parse(await readFile(join(folder, 'verify.json'), 'utf8'));
  t.like(report, { failed: true, input: 'initrd.img', error: { code: 'kernel-missing' } });
});

test('apply and reapply write the report of their build, or one without a build', async (t) => {
  const application = await createApplication(await createTestFolder(t));
  const at = (name: string) => join(application.folder, name);
  const report = async (name: string) => JSON.parse(await readFile(at(name), 'utf8'));
  const args = ['-q', '--no-verify', '--report'];
  t.is((await application.moby('apply', ...args, at('a.json'))).code, 0);
  t.like(await report('a.json'), { failed: false, stage: 'publish', diff: { added: 1, changed: 1 } });
  t.is((await application.moby('reapply', ...args, at('b.json'))).code, 6);
  t.like(await report('b.json'), { failed: false, stage: 'configure' });
});

test('a page and JSON of a build have the changed lines of files that everybody may read, and no others', async (t) => {
  const folder = await setUp(t);
  const old = gzip(
    createArchive([
      directory('.'),
      directory('etc'),
      file('etc/open', 'old\n'),
      file('etc/shadow', 'root:old\n', { mode: 0o100640 }),
      directory('root', { mode: 0o40700 }),
      file('root/.profile', 'old\n'),
    ]),
  );
  await writeFile(join(folder, 'initrd.img'), old);
  const steps = [
    '  - file: {path: etc/open, content: "new\\n"}',
    '  - file: {path: etc/shadow, content: "root:new\\n"}',
    '  - file: {path: root/.profile, content: "new\\n"}',
  ];
  await writeFile(join(folder, 'patches/motd/patch.yaml'), `title: Two files\nsteps:\n${steps.join('\n')}\n`);
  const args = ['build', '-q', '-i', 'initrd.img', '-p', 'motd', '--no-verify', '-o', 'out.img'];
  const { code, stderr } = await callMoby([...args, '--report', 'r.html', '--report', 'r.json'], folder, {});
  t.is(code, 0, stderr);
  const { diff } = JSON.parse(await readFile(join(folder, 'r.json'), 'utf8'));
  const texts = diff.differences.map(({ path, text }: { path: string; text?: string[] }) => [path, text]);
  t.deepEqual(texts, [
    ['etc/open', ['@@ -1 +1 @@', '-old', '+new']],
    ['etc/shadow', undefined],
    ['root/.profile', undefined],
  ]);
  t.regex(await readFile(join(folder, 'r.html'), 'utf8'), /<span class="minus">-old<\/span>/);
  await callMoby([...args, '--report', 'r.txt'], folder, {});
  t.notRegex(await readFile(join(folder, 'r.txt'), 'utf8'), /-old/);
});
