import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { dropBlock, putBlock } from '#src/deploy/host/system-file.js';
import { createTestFolder } from '../fixtures/archive.js';
import { runMoby } from '../fixtures/images/moby.js';

test('a block is put once, replaced in its place, and removed without a trace', (t) => {
  const text = 'first\n# BEGIN moby-patch other\nx\n# END moby-patch other\n';
  const once = putBlock(text, { name: 'nfs', lines: ['a', 'b'] });
  t.is(once, `${text}# BEGIN moby-patch nfs\na\nb\n# END moby-patch nfs\n`);
  t.is(putBlock(once, { name: 'nfs', lines: ['a', 'b'] }), once);
  const more = `${once}last\n`;
  t.is(dropBlock(putBlock(more, { name: 'nfs', lines: ['c'] }), 'nfs'), `${text}last\n`);
  t.is(dropBlock(once, 'nfs'), text);
  t.is(dropBlock(text, 'nfs'), text);
  t.is(
    dropBlock('# BEGIN moby-patch nfs\ntheirs\n', 'nfs'),
    'theirs\n',
    'a block without an end takes nothing along',
  );
});

for (const platform of ['darwin', 'linux'])
  test(`host nfs prints, writes once and removes what ${platform} needs`, async (t) => {
    const folder = await createTestFolder(t);
    const etc = join(folder, 'etc');
    await mkdir(etc);
    const before = '/srv -ro localhost\n';
    await writeFile(join(etc, 'exports'), before, { mode: 0o600 });
    const run = (...args: string[]) =>
      runMoby(['host', 'nfs', '--platform', platform, '--root', folder, '--owner', '501:20', ...args], {
        folder,
      });
    const printed = await run();
    t.is(printed.code, 0, printed.stderr);
    t.regex(
      printed.stdout,
      platform === 'darwin' ? /\/Users -mapall=501:20 localhost/ : /\/Users localhost\(rw,insecure,/,
    );
    t.is(await readFile(join(etc, 'exports'), 'utf8'), before);
    t.is((await run('--apply', '--json')).code, 0);
    const written = await readFile(join(etc, 'exports'), 'utf8');
    t.true(written.startsWith(before));
    t.is((await stat(join(etc, 'exports'))).mode & 0o777, 0o600);
    t.regex(
      await readFile(join(etc, 'nfs.conf'), 'utf8'),
      platform === 'darwin' ? /require_resv_port = 0/ : /tcp=y/,
    );
    t.regex((await run('--apply')).stdout, /already so/);
    t.is(await readFile(join(etc, 'exports'), 'utf8'), written);
    t.is((await run('--remove')).code, 0);
    t.is(await readFile(join(etc, 'exports'), 'utf8'), before);
    t.deepEqual(await readdir(etc), ['exports']);
  });

test('host nfs makes the folder of its files below a root that has none', async (t) => {
  const folder = await createTestFolder(t);
  const args = ['host', 'nfs', '--platform', 'darwin', '--root', join(folder, 'host'), '--owner', '501:20'];
  const { code, stderr } = await runMoby([...args, '--apply'], { folder });
  t.is(code, 0, stderr);
  t.regex(await readFile(join(folder, 'host/etc/exports'), 'utf8'), /^\/Users -mapall=501:20 localhost$/m);
});

test('host nfs refuses a share that is there already, and a path that is none', async (t) => {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'etc'));
  await writeFile(join(folder, 'etc/exports'), '/Users -alldirs localhost\n');
  const args = ['host', 'nfs', '--platform', 'darwin', '--root', folder];
  const { code, stderr } = await runMoby([...args, '--share', '/Users/me'], { folder });
  t.is(code, 2);
  t.regex(stderr, /share-overlaps/);
  for (const share of ['relative', '/a"b', '/a\nb'])
    t.is((await runMoby([...args, '--share', share], { folder })).code, 2, share);
});
