import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { headerSize, parseHeader } from '#src/format/cpio-header.js';
import type { Expectation } from '#src/model/patch.js';
import { createService, createWrapper } from '#src/verify/boot/probe-script.js';
import { createProbe, writeProbedImage } from '#src/verify/boot/probe-segment.js';

const nonce = 'cd'.repeat(16);
const expects: Expectation[] = [
  { console: 'x' },
  { file: "etc/it's" },
  { file: '/etc/b', content: "a'b\n$(reboot)\\n\n" },
];

/** Names, types and bodies of an archive whose records are few. */
function listArchive(archive: Uint8Array): string[] {
  const names: string[] = [];
  for (let at = 0; at < archive.length; ) {
    const header = parseHeader(archive.subarray(at, at + headerSize));
    if (typeof header === 'string') throw new Error(header);
    const name = Buffer.from(
      archive.subarray(at + headerSize, at + headerSize + header.namesize - 1),
    ).toString();
    names.push(`${(header.mode & 0o170000).toString(8)} ${name}`);
    at += Math.ceil((headerSize + header.namesize) / 4) * 4;
    at += Math.ceil(header.filesize / 4) * 4;
  }
  return names;
}

test('the segment lists no directory, whose mode a record would change', (t) => {
  const request = { nonce, expects, firstProgram: '/init' };
  t.deepEqual(listArchive(createProbe({ ...request, init: 'openrc' }).segment), [
    '100000 etc/init.d/moby-patch-verify',
    '120000 etc/runlevels/default/moby-patch-verify',
    '0 TRAILER!!!',
  ]);
  const other = createProbe({ ...request, init: 'other' });
  t.deepEqual(listArchive(other.segment), ['100000 moby-patch-verify', '0 TRAILER!!!']);
  t.deepEqual(other.words, ['rdinit=/moby-patch-verify']);
  t.deepEqual(createProbe({ ...request, init: 'none' }), { segment: new Uint8Array(), words: [] });
});

test('the scripts are right for a shell, whatever is expected', (t) => {
  for (const script of [createService(nonce, expects), createWrapper(nonce, expects, '/init')])
    t.notThrows(() => execFileSync('sh', ['-n'], { input: script, stdio: 'pipe' }));
  const inner = createWrapper(nonce, expects, '/init').split('\n# A shell')[0] ?? '';
  const watcher = execFileSync('sh', ['-c', `${inner}\nprintf %s "$watcher"`], { encoding: 'utf8' });
  t.notThrows(() => execFileSync('sh', ['-n'], { input: watcher, stdio: 'pipe' }));
});

test('content that a shell cannot hold is refused before a boot', (t) => {
  const create = (content: string) => () => createService(nonce, [{ file: 'a', content }]);
  t.throws(create('a\0b'), { message: /binary/ });
  t.throws(create('x'.repeat(33 * 1024)), { message: /32 KiB/ });
  t.throws(
    () => createWrapper(nonce, Array(4).fill({ file: 'a', content: 'x'.repeat(32 * 1024) }), '/init'),
    {
      message: /100 KiB/,
    },
  );
});

for (const size of [0, 1, 2, 3, 4]) {
  test(`behind ${size} bytes there are four zeros at least, and the segment at a multiple of four`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'probe-test-'));
    try {
      const image = join(folder, 'image');
      await writeFile(image, Buffer.alloc(size, 1));
      await writeProbedImage(image, Buffer.from('0707'), join(folder, 'probed'));
      const probed = await readFile(join(folder, 'probed'));
      const at = probed.indexOf('0707');
      t.is(at % 4, 0);
      t.true(at - size >= 4 && at - size < 8);
      t.deepEqual(probed.subarray(size, at), Buffer.alloc(at - size));
      t.is(probed.length, at + 4);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}
