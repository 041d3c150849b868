// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of patch files
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { encodeRecord, encodeTrailer } from '#src/format/cpio/cpio-writer.js';
import { findPlaceholders } from '#src/patch/language/placeholders.js';
import { whenSchema } from '#src/patch/language/when.js';
import { createPlan } from '#src/patch/plan.js';
import { readArchive } from '#src/patch/system/archives/archive-files.js';
import { parseFacts } from '#src/patch/system/init/lsb-header.js';
import { addTarget } from '#src/patch/system/init/sysvinit-order.js';
import { createMemoryWorkspace } from '../fixtures/memory-workspace.js';
import { createPatch } from './support/patch-folder.js';

// What a patch, an archive or an image holds makes no work that grows faster than it. Work that does never ends here, and
// AVA's limit ends the test.

test('a version with many numbers is read one after the other', (t) => {
  t.is(whenSchema.safeParse({ version: `${'1   '.repeat(10_000)}x` }).success, false);
  t.is(whenSchema.safeParse({ version: '1   '.repeat(10_000) }).success, true);
  for (const version of ['>= 3.18 < 4', ' 3 ', '>=3.18  <4.0.1'])
    t.true(whenSchema.safeParse({ version }).success);
  for (const version of ['', '>', '3.', '>=', '3,4', '=3', '> > 3', '3.18-r1'])
    t.false(whenSchema.safeParse({ version }).success, version);
});

test('functions of functions have a limit, and what is beyond it is malformed', (t) => {
  const nest = (times: number) => `\${${'lower('.repeat(times)}a${')'.repeat(times)}}`;
  t.deepEqual(findPlaceholders(nest(16)).names, ['a']);
  for (const times of [17, 100_000]) t.deepEqual(findPlaceholders(nest(times)).malformed, [nest(times)]);
});

const encode = (text: string) => new TextEncoder().encode(text);

function createArchive(count: number, lastBody = ''): Buffer {
  const body = encode(lastBody);
  const records = Array.from({ length: count }, (_, index) => {
    const filesize = index === count - 1 ? body.length : 0;
    return encodeRecord({ ino: 7, mode: 0o100644, nlink: count, filesize }, encode(`f${index}`));
  });
  return Buffer.concat([...records, body, encodeTrailer()]);
}

test('all names of a file in a cpio archive get its body, however many they are', async (t) => {
  const files = await readArchive(gzipSync(createArchive(30_000, 'text')));
  t.is(files.length, 30_000);
  t.true(files.every(({ content }) => Buffer.from(content ?? []).equals(Buffer.from('text'))));
});

test('reading an archive ends with its signal', async (t) => {
  const aborted = AbortSignal.abort(new Error('stop'));
  await t.throwsAsync(readArchive(createArchive(2), aborted), { message: 'stop' });
});

const header = '### BEGIN INIT INFO\n';

test('headers of init scripts, and tables of startpar, are read in one go', (t) => {
  t.deepEqual(parseFacts(header.repeat(200_000), 'a').provides, ['a']);
  const facts = parseFacts(`${header}# Provides: x y\n### END INIT INFO\n`, 'a');
  t.deepEqual(facts.provides, ['x', 'y', 'a']);
  const table = addTarget(`TARGETS = a${'\n'.repeat(1_000_000)}b: a\n\n`, 'c', { before: [], after: ['a'] });
  t.true(table.endsWith('\nb: a\nc: a\n'));
});

test('a home with a million slashes in it is a path like others', async (t) => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILfesoif4XY8RBgmES9391oBDza1e8qAG3VrBoFAX8fz me@laptop';
  const patch = await createPatch(t, `steps: [{ssh-key: {key: "${key}"}}]\n`);
  const { steps } = await createPlan({ patches: [patch], settings: {}, image: '0'.repeat(64), stamp: 7 });
  const home = `/a${'/'.repeat(1_000_000)}x/`;
  const at = createMemoryWorkspace({ 'etc/passwd': `root:x:0:0:root:${home}:/bin/sh\n` });
  t.true((await steps[0]?.apply(at))?.changed);
});

test('the scripts of a busybox image are found in one go', async (t) => {
  const patch = await createPatch(t, 'steps: [{service: {name: a}}]\n');
  const { steps } = await createPlan({ patches: [patch], settings: {}, image: '0'.repeat(64), stamp: 7 });
  const apply = async (script: string) => {
    const at = createMemoryWorkspace({
      'bin/busybox': '',
      'sbin/init': '-> ../bin/busybox',
      'etc/inittab': '::sysinit:/etc/init.d/rcS\n',
      'etc/init.d/rcS': script,
      'etc/init.d/a': { type: 'file', mode: 0o755, content: encode('#!/bin/sh\n') },
    });
    await steps[0]?.apply(at);
    return at.tree();
  };
  const long = '/etc'.repeat(300_000);
  t.truthy((await apply(`${long}\nfor i in /etc/init.d/S??*; do $i; done\n`))['etc/init.d/S50a']);
  t.falsy((await apply(long))['etc/init.d/S50a']);
});
