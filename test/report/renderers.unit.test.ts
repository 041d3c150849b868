import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Report } from '#src/model/result/report.js';
import { createBreaks } from '#src/report/html/tables.js';
import { renderers } from '#src/report/renderers.js';
import { createTestFolder } from '../fixtures/archive.js';
import { testNeeding } from '../fixtures/needs.js';
import { createHostileReport, createReport, createStep } from './reports.js';

const render = (ending: string, report: Report) => renderers.get(ending)?.(report) ?? '';

const failed = createReport({
  failed: true,
  stage: 'patch',
  after: undefined,
  diff: undefined,
  boot: undefined,
  steps: [],
  stages: { unpack: 10, plan: 20, patch: 5 },
  error: { kind: 'infrastructure', code: 'docker-failed', message: 'the daemon is gone' },
});
const early: Report = {
  version: 1,
  failed: true,
  stage: 'configure',
  input: 'x',
  steps: [],
  warnings: [],
  stages: {},
  durationMs: 1,
  error: { kind: 'invalid', code: 'image-unknown', message: 'no such image' },
};
const samples = { passed: createReport(), failed, early, hostile: createHostileReport() };

async function check(t: ExecutionContext, text: string, ...options: string[]): Promise<void> {
  const file = join(await createTestFolder(t), 'report');
  await writeFile(file, text);
  t.notThrows(() => execFileSync('xmllint', ['--noout', '--nonet', ...options, file], { stdio: 'pipe' }));
}

for (const [name, report] of Object.entries(samples)) {
  testNeeding('xmllint')(`junit: ${name} is valid by the schema of JUnit reports`, async (t) => {
    await check(t, render('.junit.xml', report), '--schema', 'test/report/junit.xsd');
  });

  testNeeding('xmllint')(`html: ${name} is well-formed`, async (t) => {
    await check(t, render('.html', report));
  });

  test(`html: ${name} has one script, whose digest its policy names, and no external resources`, (t) => {
    const text = render('.html', report);
    const [, script = '', ...others] = text.split(/<script>|<\/script>/);
    t.is(others.length, 1);
    t.true(text.includes(`script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`));
    t.notRegex(text, /<(link|img|iframe|object|embed|base|form|svg)\b/i);
    t.notRegex(text.replace(/&[^;]*;/g, ''), /<[^>]*\s(src|href(?!="#)|on\w+)=/i);
    t.regex(text, /Content-Security-Policy" content="default-src 'none'/);
    t.regex(text, /prefers-color-scheme: dark/);
  });
}

test('control characters of a hostile report are shown by their numbers in each form that a person reads', (t) => {
  for (const ending of ['.html', '.junit.xml', '.txt']) {
    const text = render(ending, createHostileReport());
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may occur
    t.notRegex(text, /[\x00-\x08\x0b-\x1f\x7f]/, ending);
    t.regex(text, /\\x1b\[2J\\x00/, ending);
    if (ending !== '.txt') t.notRegex(text, /<script>alert|\u202e|[\ud800-\udfff]/u, ending);
  }
  const { input } = JSON.parse(render('.json', createHostileReport()));
  t.is(input, createHostileReport().input);
});

test('the page has figures, changes, checks, steps, packages, segments, times and warnings', (t) => {
  const text = render('.html', createReport());
  for (const title of [
    'Warnings',
    'Changes',
    'Checks',
    'Steps',
    'Packages',
    'Bytes of the image',
    'Time',
    'Origin',
  ])
    t.true(text.includes(`>${title}</h2>`), title);
  t.regex(text, /<b class="passed">done and booted<\/b>/);
  t.regex(text, /<td>curl<\/td>\n<td[^>]*>8\.1<\/td>\n<td[^>]*>motd<\/td>/);
  t.regex(
    text,
    /data-path="etc\/issue".*issue <span class="what">mode 0644 -&gt; 0600<\/span><pre><span class="minus">-old/,
  );
  const planned = createReport({ stage: 'plan', steps: [] });
  t.regex(render('.html', planned), /<td[^>]*>file etc\/motd<\/td>\n<td[^>]*>to be done<\/td>/);
  t.regex(render('.html', failed), /<td[^>]*>file etc\/motd<\/td>\n<td[^>]*>not done<\/td>/);
  t.notRegex(render('.html', early), /<h2>(Changes|Bytes of the image)/);
});

test('a page begins with what went wrong', (t) => {
  const text = render('.html', failed);
  t.regex(
    text,
    /<main>\n<div class="tiles">(?:.|\n)*?<\/div>\n<section id="what-went-wrong" class="trouble"[^>]*>/,
  );
  t.regex(text, /<pre class="error">.*the daemon is gone/);
});

test('a page shows 5,000 differences and counts the rest', (t) => {
  const difference = (index: number) =>
    ({ path: `usr/${index}`, kind: 'added', type: 'file', fields: [] }) as const;
  const differences = Array.from({ length: 20_000 }, (_, index) => difference(index));
  const text = render(
    '.html',
    createReport({ diff: { added: 20_000, removed: 0, changed: 0, differences } }),
  );
  t.is(text.match(/<li data-kind="added"/g)?.length, 5000);
  t.regex(text, /and 15000 more/);
  t.true(
    render('.txt', createReport({ diff: { added: 1, removed: 0, changed: 0, differences } })).includes(
      'usr/19999',
    ),
  );
});

test('junit has the digests of the files, and of an initrd in them', (t) => {
  const digest = (text: string, name: string) =>
    new RegExp(`name="${name}" value="(.)\\1{63}"`).exec(text)?.[1];
  const bare = render('.junit.xml', createReport());
  t.is(digest(bare, 'output.sha256'), 'b');
  const mark = (sha256: string) => ({ size: 9, sha256: sha256.repeat(64) });
  const wrapper = { kind: 'iso', part: 'initrd.gz', before: mark('e'), after: mark('f') } as const;
  const inside = render('.junit.xml', createReport({ wrapper }));
  t.is(digest(inside, 'input.sha256'), 'e');
  t.is(digest(inside, 'output.sha256'), 'f');
  t.is(digest(inside, 'output.part.sha256'), 'b');
});

test('junit counts its test cases', (t) => {
  for (const report of Object.values(samples)) {
    const text = render('.xml', report);
    const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
    const [, tests, failures, errors, skipped] =
      /<testsuite name="[^"]*" tests="(\d+)" failures="(\d+)" errors="(\d+)" skipped="(\d+)"/.exec(text) ??
      [];
    t.is(Number(tests), count(/<testcase /g));
    t.is(Number(failures), count(/<failure /g));
    t.is(Number(errors), count(/<error /g));
    t.is(Number(skipped), count(/<skipped /g));
  }
});

test('the text ends with the error', (t) => {
  const text = render('.txt', createReport({ ...failed, steps: [createStep()] }));
  t.regex(text, /^FAILED in .*\n(.*\n)+\nmoby-patch: the daemon is gone \[docker-failed\]\n$/);
});

test('markdown names a file whose name is a word of the message', (t) => {
  const error = {
    kind: 'invalid',
    code: 'image-invalid',
    message: 'found no initrd',
    path: 'initrd',
  } as const;
  t.regex(
    render('.md', createReport({ failed: true, error })),
    /^\*\*image-invalid\*\*: initrd: found no initrd$/m,
  );
});

test('a path of the most folders there can be, and an image of empty files, have a page', (t) => {
  const names = Array.from({ length: 2000 }, (_, depth) => `${'a/'.repeat(depth)}file${depth}`);
  const differences = names.map((path) => ({ path, kind: 'added', type: 'file', fields: [] }) as const);
  const empty = [{ path: 'etc', bytes: 0 }];
  const report = createReport({
    diff: { added: names.length, removed: 0, changed: 0, differences },
    usage: { before: empty, after: empty },
  });
  for (const ending of renderers.keys()) {
    const text = render(ending, report);
    t.notRegex(text, /NaN/, ending);
    if (ending === '.html') t.true(text.includes('a/a/file1999 '));
  }
});

test('the page names the disks of the boot', (t) => {
  const report = createReport();
  const disks = [{ device: '/dev/vda', file: '/d & e.raw', format: 'raw' as const }];
  const text = render('.html', { ...report, boot: report.boot && { ...report.boot, disks } });
  t.regex(text, />disk<[\s\S]*?\/dev\/vda: \/d &amp; e\.raw \(raw\), which stays as it was/);
});

const refused = (): Report => {
  const { boot, ...report } = createReport({ failed: true });
  if (boot === undefined) return report;
  const panic = '[    2.500000] Kernel panic - not syncing: Attempted to kill init!';
  return {
    ...report,
    boot: {
      ...boot,
      verdict: 'refused',
      seconds: 3,
      waited: 90,
      reason: `the first program ended, which is a panic ("${panic}")`,
      causes: ['the console says: sh: nfsd: not found'],
      stages: [
        { name: 'kernel', state: 'reached', seconds: 0.4, line: '[    0.000000] Linux version 6' },
        { name: 'system', state: 'failed' },
        { name: 'console late', state: 'reached', seconds: 2.2, line: 'late' },
        { name: 'console early', state: 'reached', seconds: 1.1, line: 'early' },
      ],
      tail: ['early', 'a line', 'sh: nfsd: not found', panic, '['],
    },
  };
};

test('the console of a refused boot has marks at what the reason and the causes quote, and at stages', (t) => {
  const text = render('.html', refused());
  const [, console = ''] = /End of the console<\/h3>\n<pre>([\s\S]*?)<\/pre>/.exec(text) ?? [];
  t.deepEqual(console.trimEnd().split('\n'), [
    '<mark>early</mark>',
    'a line',
    '<mark class="blamed">sh: nfsd: not found</mark>',
    '<mark class="blamed">[    2.500000] Kernel panic - not syncing: Attempted to kill init!</mark>',
    '[',
  ]);
});

test('the table of a boot is in the order of time, and what was not reached is last', (t) => {
  const [, table = ''] = /aria-label="Boot">([\s\S]*?)<\/table>/.exec(render('.html', refused())) ?? [];
  const names = [...table.matchAll(/class="swatch">.*?<\/span>(.*?)<\/td>/g)].map(([, name]) => name);
  t.deepEqual(names, ['kernel', 'console early', 'console late', 'system']);
});

test('a page says how much of the time of a boot was waiting for the machine', (t) => {
  t.regex(render('.html', refused()), /boot, with tcg, and 90\.0 s of waiting for this machine/);
  t.regex(render('.html', createReport()), /boot, with tcg<\/span>/);
});

test('a setting with a long name breaks behind its sign, not within the name', (t) => {
  const pieces = (text: string) => createBreaks(text).markup.split('<wbr />');
  t.deepEqual(pieces('fs.inotify.max_user_watches=524288,'), ['fs.inotify.max_user_watches=', '524288,']);
  t.deepEqual(pieces('usr/share/zoneinfo/Europe/Berlin'), [
    'usr/',
    'share/',
    'zoneinfo/',
    'Europe/',
    'Berlin',
  ]);
  t.true(pieces('a.name.that.no.narrow.screen.has.room.for.at.all').length > 5);
});

test('a page of one image shows its segments once, and does not call them those before', (t) => {
  const one = render('.html', createReport({ after: undefined, diff: undefined, usage: undefined }));
  t.deepEqual(
    [...one.matchAll(/<h3>(before|after|the image)<\/h3>/g)].map(([, title]) => title),
    ['the image'],
  );
  const two = render('.html', createReport());
  t.deepEqual(
    [...two.matchAll(/<h3>(before|after|the image)<\/h3>/g)].map(([, title]) => title),
    ['before', 'after'],
  );
});
