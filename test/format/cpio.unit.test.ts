import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import cpioStream from 'cpio-stream';
import fc from 'fast-check';
import { parseHeader } from '#src/format/cpio/cpio-header.js';
import { createCpioReader, type ReaderToken } from '#src/format/cpio/cpio-reader.js';
import { encodeRecord } from '#src/format/cpio/cpio-writer.js';
import { createArchive, createTestFolder, directory, file, node, symlink } from '../fixtures/archive.js';
import { testNeeding } from '../fixtures/needs.js';

interface Seen {
  readonly name: string;
  readonly body: string;
}

function readAll(chunks: readonly Uint8Array[]): { entries: Seen[]; problems: string[] } {
  const reader = createCpioReader();
  const entries: Seen[] = [];
  const problems: string[] = [];
  let body: Buffer[] = [];
  let name = '';
  const take = (tokens: Iterable<ReaderToken>) => {
    for (const token of tokens) {
      if (token.kind === 'entry') {
        name = Buffer.from(token.name).toString('latin1');
        body = [];
      } else if (token.kind === 'data') body.push(Buffer.from(token.bytes));
      else if (token.kind === 'end') entries.push({ name, body: Buffer.concat(body).toString('latin1') });
      else if (token.kind === 'problem') problems.push(`${token.problem} ${token.position}`);
    }
  };
  for (const chunk of chunks) take(reader.push(chunk));
  take(reader.end());
  return { entries, problems };
}

const field = fc.integer({ min: 0, max: 0xffffffff });
const header = fc.record({
  ino: field,
  mode: field,
  uid: field,
  gid: field,
  nlink: field,
  mtime: field,
  filesize: field,
  devmajor: field,
  devminor: field,
  rdevmajor: field,
  rdevminor: field,
});

test('a header comes back with every field, over the whole range of 32 bits', (t) => {
  fc.assert(
    fc.property(header, fc.uint8Array({ minLength: 1, maxLength: 300 }), (fields, name) => {
      const record = encodeRecord(fields, name);
      t.is(record.length % 4, 0);
      t.deepEqual(parseHeader(record.subarray(0, 110)), {
        ...fields,
        magic: '070701',
        namesize: name.length + 1,
        check: 0,
      });
    }),
  );
});

const member = fc.record({
  name: fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom('a', 'b', '/', '.', '0') }),
  body: fc.string({ maxLength: 40, unit: fc.constantFrom('0', '7', 'x', '\0') }),
});

test('any cut of the input into chunks gives the same entries', (t) => {
  fc.assert(
    fc.property(
      fc.array(member, { maxLength: 6 }),
      fc.array(fc.nat(600), { maxLength: 8 }),
      (members, cuts) => {
        const archive = createArchive(members.map(({ name, body }) => file(name, body)));
        const at = [
          0,
          ...cuts.map((cut) => Math.min(cut, archive.length)).sort((a, b) => a - b),
          archive.length,
        ];
        const chunks = at.slice(1).map((end, index) => archive.subarray(at[index] ?? 0, end));
        const wanted = { entries: members.filter(({ name }) => name !== 'TRAILER!!!'), problems: [] };
        t.deepEqual(readAll(chunks), wanted);
      },
    ),
    { numRuns: 500 },
  );
});

test('any cut of the input gives the same TRAILERs, each with its body, and none for a symlink', (t) => {
  const trailer = 'TRAILER!!!';
  const members = [
    symlink(trailer, 'target'),
    { ...node(trailer, 0o010644), body: 'skipped' },
    file(trailer, '070701 is no entry here'),
    directory(trailer),
    node(trailer, 0),
    file('a', 'x'),
  ];
  const archive = createArchive(members);
  const describe = (tokens: Iterable<ReaderToken>) =>
    [...tokens].flatMap((token) =>
      token.kind === 'entry' || token.kind === 'trailer'
        ? [`${token.kind} ${token.position} ${Buffer.from(token.raw).toString('latin1')}`]
        : token.kind === 'problem'
          ? [token.problem]
          : [],
    );
  const whole = describe(createCpioReader().push(archive));
  t.deepEqual(
    whole.map((line) => line.split(' ')[0]),
    ['entry', 'entry', 'trailer', 'trailer', 'trailer', 'entry', 'trailer'],
  );
  t.true(whole[2]?.endsWith('070701 is no entry here\0'));
  for (let at = 0; at <= archive.length; at += 1) {
    const reader = createCpioReader();
    const cut = [
      ...describe(reader.push(archive.subarray(0, at))),
      ...describe(reader.push(archive.subarray(at))),
    ];
    t.deepEqual([...cut, ...describe(reader.end())], whole);
  }
});

test('every cut of an archive short of its end is either between entries or a problem with its place', (t) => {
  const archive = createArchive([file('a', 'one'), file('b', 'two and more')], { trailer: false });
  const starts = [0, 116, archive.length];
  for (let end = 0; end < archive.length; end += 1) {
    const { entries, problems } = readAll([archive.subarray(0, end)]);
    const whole = starts.includes(end) || (end > 0 && problems.length === 0);
    t.is(problems.length, whole ? 0 : 1, `cut at ${end}`);
    t.true(entries.length <= 2);
  }
});

const broken: readonly [string, Buffer, string][] = [
  ['the old portable format', Buffer.from(`070707${'0'.repeat(104)}`), 'old-format 0'],
  ['an unknown magic', Buffer.from(`070703${'0'.repeat(104)}`), 'no-magic 0'],
  ['digits that are none', Buffer.from(`070701${'g'.repeat(104)}`), 'not-hex 0'],
  [
    'bytes between entries',
    Buffer.concat([createArchive([file('a', '')]), Buffer.from('x')]),
    'not-an-entry 236',
  ],
  [
    'an entry at an odd place',
    Buffer.concat([createArchive([file('a', '')]), Buffer.alloc(1), createArchive([])]),
    'broken-padding 237',
  ],
];

for (const [what, bytes, problem] of broken) {
  test(`refuses ${what}`, (t) => {
    t.deepEqual(readAll([bytes]).problems, [problem]);
  });
}

test('a name of 4095 bytes is read and written, one byte more is only read, and more than 64 KiB is refused', (t) => {
  const longest = 'n'.repeat(4095);
  t.is(readAll([createArchive([file(longest, 'x')])]).entries[0]?.name, longest);
  t.throws(() => createArchive([file(`${longest}n`, '')]), { instanceOf: RangeError });
  const record = createArchive([file('a', '')]);
  record.write('00010001', 6 + 8 * 11, 'latin1');
  t.deepEqual(readAll([record]).problems, ['name-too-long 0']);
});

test('a 070702 entry is held against its checksum', (t) => {
  const archive = createArchive([file('a', 'abc')]);
  archive.write('070702', 0, 'latin1');
  archive.write((97 + 98 + 99).toString(16).padStart(8, '0'), 6 + 8 * 12, 'latin1');
  const ends = (bytes: Uint8Array) =>
    [...createCpioReader().push(bytes)].flatMap((token) => (token.kind === 'end' ? [token.checksum] : []));
  t.deepEqual(ends(archive), ['right']);
  archive[112] = 120;
  t.deepEqual(ends(Buffer.from(archive).fill('z', 112, 113)), ['wrong']);
});

testNeeding('cpio')('what GNU cpio writes is read, and what we write GNU cpio reads', async (t) => {
  const folder = await createTestFolder(t);
  mkdirSync(join(folder, 'in/sub'), { recursive: true });
  writeFileSync(join(folder, 'in/sub/file'), 'contents\n');
  symlinkSync('sub/file', join(folder, 'in/link'));
  const theirs = execFileSync('cpio', ['-o', '-H', 'newc', '--quiet'], {
    cwd: join(folder, 'in'),
    input: '.\nsub\nsub/file\nlink\n',
  });
  t.deepEqual(
    readAll([theirs]).entries.map(({ name, body }) => [name, body]),
    [
      ['.', ''],
      ['sub', ''],
      ['sub/file', 'contents\n'],
      ['link', 'sub/file'],
    ],
  );
  const ours = createArchive([directory('.'), directory('d'), file('d/f', 'text'), symlink('l', 'd/f')]);
  t.is(execFileSync('cpio', ['-t', '--quiet'], { input: ours }).toString(), '.\nd\nd/f\nl\n');
});

test('an independent reader, cpio-stream, sees the same in what we write', async (t) => {
  const extract = cpioStream.extract();
  const seen: Seen[] = [];
  extract.on('entry', (entry, stream, next) => {
    const pieces: Buffer[] = [];
    stream.on('data', (piece) => pieces.push(piece));
    stream.on('end', () => {
      seen.push({ name: entry.name, body: Buffer.concat(pieces).toString() });
      // FACTS of that library: an empty entry's callback, called at once, makes it loop.
      setImmediate(next);
    });
    stream.resume();
  });
  const finished = new Promise((resolve, reject) => extract.on('finish', resolve).on('error', reject));
  extract.end(createArchive([directory('d'), file('d/f', 'text'), file('empty', '')]));
  await finished;
  t.deepEqual(seen, [
    { name: 'd', body: '' },
    { name: 'd/f', body: 'text' },
    { name: 'empty', body: '' },
  ]);
});
