import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parseTable, readTable } from '#src/fleet/overlays/read-table.js';
import { image } from '../commands/project.js';
import { callMoby } from '../fixtures/command-context.js';
import { createFolder } from '../patch/support/patch-folder.js';
import { overlaysSchema } from '../report/overlays-schema.js';

const site = `title: One machine
parameters:
  host: {description: its name}
  key: {description: a key}
steps:
  - file: {path: etc/site/key, content: "\${key}\\n", mode: 0o600}
  - append: {path: etc/passwd, content: "\${host}:x:1000:1000::/:/bin/sh\\n"}
`;
const table = 'name,host,key\nh1,h1,"one, ""1"""\nh2,h2,two\nh3,h3,three\n';

async function createProject(t: ExecutionContext, files: Readonly<Record<string, string>> = {}) {
  const folder = await createFolder(t, { 'site/patch.yaml': site, 'hosts.csv': table, ...files });
  await writeFile(join(folder, 'base.img'), image);
  const moby = async (...args: string[]) =>
    callMoby(args, folder, { MOBY_PATCH_CACHE: join(folder, 'cache') });
  const build = async (...more: string[]) => {
    const args = [
      'build',
      '-i',
      'base.img',
      '-p',
      './site',
      '--for-each',
      'hosts.csv',
      '--no-verify',
      '--json',
    ];
    const { stdout, stderr, code } = await moby(...args, ...more);
    return { code, stderr, report: JSON.parse(stdout) };
  };
  const read = (name: string) => readFile(join(folder, name));
  return { folder, moby, build, read };
}

test('each machine of a table gets the image that a build of its own would give', async (t) => {
  const { moby, build, read } = await createProject(t);
  const { report, code } = await build();
  t.is(code, 0);
  const { overlays, base } = overlaysSchema.parse(report);
  t.is(base.verdict, 'unknown');
  t.deepEqual(
    overlays.map(({ name, checks }) => [name, checks?.whole, checks?.boot]),
    [
      ['h1', 'compared', 'not booted'],
      ['h2', 'h1', 'not booted'],
      ['h3', 'h1', 'not booted'],
    ],
  );
  const one = [
    '-s',
    'host=h3',
    '-s',
    'key=three',
    '--mode',
    'append',
    '--compression',
    'none',
    '-o',
    'one.img',
  ];
  t.is((await moby('build', '-i', 'base.img', '-p', './site', ...one, '--no-verify', '-q')).code, 0);
  t.deepEqual(await read('out/h3.img'), await read('one.img'));
  t.is((await moby('cat', 'out/h1.img', 'etc/site/key')).stdout, 'one, "1"\n');
  const manifest = JSON.parse((await read('out/h2.img.manifest.json')).toString());
  t.like(manifest, {
    verdict: 'not booted',
    base: { name: 'base.img', verdict: 'unknown' },
    checks: { whole: 'h1' },
  });
});

test('an overlay is what follows the base, and what was known of the base stands apart', async (t) => {
  const { build, read } = await createProject(t);
  await build();
  const { report } = await build('--as', 'overlay', '-o', `\${host}/\${name}.cpio`);
  t.false(report.failed, JSON.stringify(report));
  const whole = await read('out/h2.img');
  const overlay = await read('h2/h2.cpio');
  t.is(report.overlays[1].size, overlay.length);
  t.deepEqual(whole.subarray(-overlay.length), overlay);
});

test('a table may be JSON', (t) => {
  const json = JSON.stringify([
    { name: 'a', host: 'a', key: 1 },
    { name: 'b', host: 'b', key: ['x', 'y'] },
  ]);
  t.deepEqual(
    parseTable(json, 'hosts.json').map(({ values }) => values),
    [
      { name: 'a', host: 'a', key: '1' },
      { name: 'b', host: 'b', key: 'x,y' },
    ],
  );
});

const wrong: Readonly<Record<string, readonly [string, string, string]>> = {
  'a column that is no parameter': [
    'name,hots,key\nh1,x,y\n',
    'table-invalid',
    'hosts.csv:2: the column "hots" (did you mean "host"?)',
  ],
  'a line that is too short': [
    'name,host,key\nh1,x\n',
    'table-invalid',
    'hosts.csv:2: found 2 values, wanted 3',
  ],
  'a name twice': [
    'name,host,key\nh1,x,y\n\nh1,x,y\n',
    'table-invalid',
    'hosts.csv:4: found the name "h1" a second time',
  ],
  'a name that leads elsewhere': [
    'name,host,key\n../h1,x,y\n',
    'table-invalid',
    'hosts.csv:2: found the name "../h1"',
  ],
  'a quote without an end': ['name,host,key\nh1,"x,y\n', 'table-invalid', 'hosts.csv:2: found a quote'],
  'no machine': ['name,host,key\n', 'table-invalid', 'found no line with values'],
};
for (const [what, [text, code, message]] of Object.entries(wrong))
  test(`${what} is refused at its line`, async (t) => {
    const { build } = await createProject(t, { 'hosts.csv': text });
    const { code: exit, stderr } = await build();
    t.is(exit, 2);
    t.true(stderr.includes(message) && stderr.includes(`[${code}]`), stderr);
  });

test('a table is read whatever is large in it, in time that grows with it', (t) => {
  const large = 'k""'.repeat(2_000_000);
  const [row] = parseTable(`name,key,rest\na,"${large}",""\n`, 'hosts.csv');
  t.is(row?.values.key?.length, 4_000_000);
  t.is(row?.values.rest, '');
  const columns = Array.from({ length: 50_000 }, (_, index) => `c${index}`).join(',');
  t.is(Object.keys(parseTable(`${columns}\n${columns}`, 'hosts.csv')[0]?.values ?? {}).length, 50_000);
  for (const text of [`[{"name":${'['.repeat(50_000)}${']'.repeat(50_000)}}]`, '[{"name":[["a"]]}]'])
    t.throws(() => parseTable(text, 'hosts.json'), { code: 'table-invalid' });
  for (const text of ['name\n"a', 'name\n"a"b', 'name\na"b'])
    t.throws(() => parseTable(text, 'hosts.csv'), { code: 'table-invalid', message: /a quote/ });
});

test('a machine that cannot be made keeps those that follow from being made, unless they are to go on', async (t) => {
  const passwd = site.replace('path: etc/passwd', `path: "\${host}"`);
  const rows = ['name,host,key', 'h1,etc/passwd,1', 'h2,etc,2', 'h3,etc/passwd,3', ''].join('\n');
  const { build, read } = await createProject(t, { 'site/patch.yaml': passwd, 'hosts.csv': rows });
  const { report, code, stderr } = await build();
  t.is(code, 1, stderr);
  t.regex(stderr, /h2: .*\[text-unreadable\]/);
  t.is(report.overlays[1].error.code, 'text-unreadable');
  t.true((await read('out/h1.img')).length > 0);
});

test('a report of an unknown form is refused before any machine gets its file', async (t) => {
  const { build, read } = await createProject(t);
  const { code, stderr } = await build('--report', 'x.pdf');
  t.is(code, 2);
  t.regex(stderr, /\[report-unknown\]/);
  await t.throwsAsync(read('out/h1.img'), { code: 'ENOENT' });
});

test('a file of a machine replaces neither the image, also behind a link, nor the table, nor what another machine has', async (t) => {
  const rows = (...names: string[]) =>
    ['name,host,key', ...names.map((name) => `${name},x,y`), ''].join('\n');
  const { folder, moby, read } = await createProject(t);
  await symlink('base.img', join(folder, 'link.img'));
  const build = async (...names: string[]) => {
    await writeFile(join(folder, 'hosts.csv'), rows(...names));
    return moby(
      'build',
      '-i',
      'link.img',
      '-p',
      './site',
      '--for-each',
      'hosts.csv',
      '--no-verify',
      '-o',
      `\${name}`,
    );
  };
  t.regex((await build('h1', 'base.img')).stderr, /base.img: the output would replace .*\[output-is-input\]/);
  t.deepEqual(await read('base.img'), image);
  t.regex((await build('h1', 'hosts.csv')).stderr, /would replace the table of machines \[output-is-input\]/);
  t.is((await read('hosts.csv')).toString(), rows('h1', 'hosts.csv'));
  const { stderr } = await build('h1', 'h1.manifest.json');
  t.regex(
    stderr,
    /hosts.csv:3: h1 has the same file, .*h1.manifest.json; name one of them otherwise \[table-invalid\]/,
  );
  await t.throwsAsync(read('h1'), { code: 'ENOENT' });
});

test('a table in another encoding than UTF-8 is refused', async (t) => {
  const { folder, build, read } = await createProject(t);
  await writeFile(join(folder, 'hosts.csv'), Buffer.from('name,host,key\nh1,caf\u00e9,x\n', 'latin1'));
  const { code, stderr } = await build();
  t.is(code, 2);
  t.regex(stderr, /not UTF-8, wanted a text \[table-unreadable\]\n {2}try: iconv/);
  await t.throwsAsync(read('out/h1.img'), { code: 'ENOENT' });
});

test('a table that is not there is named', async (t) => {
  await t.throwsAsync(readTable('/nonexistent/hosts.csv'), { code: 'table-unreadable' });
});

const unfit: Readonly<Record<string, readonly [string, string]>> = {
  'a step that runs commands': ['  - run: "true"\n', 'overlay-unfit'],
  'a removal': ['  - remove: etc/passwd\n', 'append-impossible'],
};
for (const [what, [step, code]] of Object.entries(unfit))
  test(`${what} cannot be in a table`, async (t) => {
    const { build } = await createProject(t, { 'site/patch.yaml': site.replace(/ {2}- append.*\n/, step) });
    const { report } = await build();
    t.is(report.overlays[0].error.code, code);
  });

test('a hazard that an overlay brings refuses it', async (t) => {
  const init = site.replace('path: etc/site/key', 'path: init');
  const { build } = await createProject(t, { 'site/patch.yaml': init });
  const { report } = await build();
  t.is(report.overlays[0].error.code, 'boot-hazard');
});
