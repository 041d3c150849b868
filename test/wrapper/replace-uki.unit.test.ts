import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type BuildArguments, createBuildRequest } from '#src/setup/build-request.js';
import { alignUp } from '#src/wrapper/align-up.js';
import { findWrapper } from '#src/wrapper/open-wrapper.js';
import { replaceInitrd } from '#src/wrapper/replace-initrd.js';
import { createAddon, readStubVersion } from '#src/wrapper/uki/addon.js';
import { createChecksum, parseProgram } from '#src/wrapper/uki/pe.js';
import { createTestSession } from '../fixtures/session.js';
import { check, parts, replace, signal, wrap } from './replacing.js';
import { holdFile, sketchProgram } from './sketches.js';

const sections = [
  { name: '.osrel', address: 0x8000, content: 'ID=vendor' },
  { name: '.initrd', address: 0x10000, content: 'initrd' },
  { name: '.linux', address: 0x20000, content: 'kernel' },
];
const uki = sketchProgram(sections, 'symbols');

test('an initrd that is the old one changes nothing in a UKI', async (t) => {
  t.true((await replace(t, uki, 'initrd')).equals(uki));
});

for (const [what, size, address] of [
  ['smaller', 3, 0x10000],
  ['larger', 2000, 0x10000],
  ['larger than its place in memory', 0x10001, 0x21000],
] as const)
  test(`a UKI gets an initrd that is ${what}`, async (t) => {
    const initrd = 'x'.repeat(size);
    const written = await replace(t, uki, initrd);
    t.deepEqual(await parts(written), { '.osrel': 'ID=vendor', '.initrd': initrd, '.linux': 'kernel' });
    const program = parseProgram(written);
    const section = program?.sections.find(({ name }) => name === '.initrd');
    t.is(section?.address, address);
    const addresses = program?.sections.map((each) => each.address) ?? [];
    t.deepEqual(
      addresses,
      [...addresses].sort((one, other) => one - other),
      'in the order of memory',
    );
    const end = Math.max(...(program?.sections ?? []).map((each) => each.address + each.virtualSize));
    t.is(written.readUInt32LE((program?.optional ?? 0) + 56), alignUp(end, 4096));
    const symbols = program?.symbols.offset ?? 0;
    t.is(written.toString('latin1', symbols), 'symbols');
    const checksum = createChecksum(program?.optional ?? 0);
    checksum.update(written);
    t.is(written.readUInt32LE((program?.optional ?? 0) + 64), checksum.end());
  });

const profiles = sketchProgram([
  { name: '.osrel', address: 0x8000, content: 'ID=vendor' },
  { name: '.initrd', address: 0x10000, content: 'initrd' },
  { name: '.linux', address: 0x11000, content: 'kernel' },
  { name: '.cmdline', address: 0x12000, content: 'quiet' },
  { name: '.profile', address: 0x13000, content: 'ID=main\nTITLE=Main' },
  { name: '.profile', address: 0x14000, content: 'ID=reset' },
  { name: '.cmdline', address: 0x15000, content: 'reset' },
]);

test('a UKI with profiles keeps the sections of each, also where the shared initrd outgrows its place', async (t) => {
  const initrd = 'x'.repeat(0x3001);
  const written = await replace(t, profiles, initrd);
  const old = await parts(profiles);
  t.deepEqual(await parts(written), { ...old, '.initrd': initrd });
  const names = (bytes: Buffer) => parseProgram(bytes)?.sections.map(({ name }) => name);
  t.deepEqual(names(written), names(profiles));
  t.deepEqual(
    parseProgram(written)?.sections.map(({ address }) => address),
    [0x8000, 0x10000, 0x14000, 0x15000, 0x16000, 0x17000, 0x18000],
  );
  const wrapper = await findWrapper(holdFile(written));
  t.deepEqual(wrapper?.boots, [
    { initrd: '.initrd', kernel: '.linux', cmdline: 'quiet', title: 'Main' },
    { initrd: '.initrd', kernel: '.linux', cmdline: 'reset', title: 'reset' },
  ]);
});

test('a profile with an initrd of its own is asked for, and what is not data of the stub does not move', async (t) => {
  const more = [
    { name: '.linux', address: 0x11000, content: 'kernel' },
    { name: '.initrd', address: 0x12000, content: 'initrd' },
    { name: '.profile', address: 0x13000, content: 'ID=main' },
    { name: '.profile', address: 0x14000, content: 'ID=reset' },
    { name: '.initrd', address: 0x15000, content: 'other' },
    { name: '.data', address: 0x16000, content: 'fixed' },
  ];
  const bytes = sketchProgram(more);
  await t.throwsAsync(wrap(t, bytes, ''), { code: 'wrapper-part', message: /boots 2 initrds/ });
  const wrapper = await findWrapper(holdFile(bytes));
  t.deepEqual(
    wrapper?.boots.map(({ initrd }) => initrd),
    ['.initrd', '.initrd@1'],
  );
  const { folder, wrapped } = await wrap(t, bytes, 'x'.repeat(0x2000), '.initrd@1');
  const request = { wrapped, initrd: join(folder, 'initrd'), isSame: false, folder, signal };
  await t.throwsAsync(replaceInitrd(request), {
    code: 'wrapper-unfit',
    message: /\.data, which cannot move/,
  });
});

test('signatures, which hold for the old content alone, are left out', async (t) => {
  const written = await replace(t, sketchProgram(sections, '', true), 'initrd that is new');
  t.is(parseProgram(written)?.signatures.size, 0);
});

test('a build of a signed UKI is refused before any step, and without a patch it is carried as it is', async (t) => {
  const { folder } = await wrap(t, sketchProgram(sections, '', true), '');
  await mkdir(join(folder, 'motd'));
  await writeFile(
    join(folder, 'motd/patch.yaml'),
    'title: x\nsteps:\n  - file: {path: etc/motd, content: x}\n',
  );
  const session = createTestSession(folder);
  const create = (flags: Partial<BuildArguments>) =>
    createBuildRequest({ image: 'old', patches: ['./motd'], verify: false, ...flags }, session);
  t.is((await create({})).faults?.[0]?.code, 'wrapper-unfit');
  t.deepEqual((await create({ dropSignatures: true })).faults, []);
  t.deepEqual((await create({ patches: [] })).faults, []);
});

test('a file in which another part has changed is refused', async (t) => {
  const { folder, wrapped } = await wrap(t, uki, 'initrd');
  const other = sketchProgram(
    sections.map((section) => (section.name === '.linux' ? { ...section, content: 'KERNEL' } : section)),
  );
  await writeFile(join(folder, 'new'), other);
  const checked = check(wrapped, join(folder, 'new'), join(folder, 'initrd'));
  await t.throwsAsync(checked, { code: 'wrapper-differs', message: /\.linux/ });
});

test('an addon is a program whose .initrd is the archive, for the machine of its UKI', async (t) => {
  const stub = sketchProgram([{ name: '.linux', address: 0x10000, content: 'kernel' }]);
  // The machine stands behind the mark.
  stub.writeUInt16LE(0x8664, stub.readUInt32LE(0x3c) + 4);
  const uki = holdFile(stub);
  const archive = async function* () {
    yield Buffer.from('archive');
  };
  const pieces: Uint8Array[] = [];
  for await (const piece of (await createAddon({ uki, initrd: archive(), size: 7 })) ?? [])
    pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  const program = parseProgram(bytes);
  t.is(program?.machine, 0x8664);
  t.deepEqual(
    program?.sections.map(({ name }) => name),
    ['.text', '.sbat', '.initrd'],
  );
  const section = program?.sections.at(-1);
  t.is(
    bytes.toString('latin1', section?.offset, (section?.offset ?? 0) + (section?.virtualSize ?? 0)),
    'archive',
  );
  t.is(bytes.length, (section?.offset ?? 0) + (section?.rawSize ?? 0));
});

test('the version of a stub is told by its mark', async (t) => {
  const bytes = sketchProgram([
    { name: '.linux', address: 0x10000, content: 'kernel' },
    { name: '.initrd', address: 0x20000, content: 'initrd' },
    { name: '.sdmagic', address: 0x30000, content: '#### LoaderInfo: systemd-stub 252.39-1~deb12u2 ####' },
  ]);
  const wrapper = await findWrapper(holdFile(bytes));
  t.is(wrapper && (await readStubVersion(holdFile(bytes), wrapper)), 252);
});

const program = (initrd = 'old initrd') =>
  sketchProgram([
    { name: '.linux', address: 4096, content: 'kernel' },
    { name: '.initrd', address: 8192, content: initrd },
    { name: '.cmdline', address: 16384, content: 'quiet' },
  ]);
/** Of the header of a section in a sketch. */
const placeAt = (index: number) => 88 + 112 + 128 + index * 40 + 20;

test('what stands between the sections of a UKI stays, and so do headers of any length', async (t) => {
  const plain = program();
  for (const { at, size, from } of [
    { at: 1536, size: 512, from: 1 },
    { at: 2048, size: 512, from: 2 },
    { at: 1024, size: 70 * 1024, from: 0 },
  ]) {
    const old = Buffer.concat([plain.subarray(0, at), Buffer.alloc(size, 'gap'), plain.subarray(at)]);
    for (let index = from; index < 3; index++)
      old.writeUInt32LE(old.readUInt32LE(placeAt(index)) + size, placeAt(index));
    const written = await replace(t, old, 'new'.repeat(300));
    t.deepEqual(await parts(written), { ...(await parts(old)), '.initrd': 'new'.repeat(300) });
    const end = written.lastIndexOf('gap');
    t.deepEqual(
      written.subarray(written.indexOf('gap'), end),
      old.subarray(old.indexOf('gap'), old.lastIndexOf('gap')),
    );
  }
});

test('a UKI whose linker left the size of its data open gets a smaller initrd', async (t) => {
  const written = await replace(t, program('old'.repeat(600)), 'new');
  t.is((await parts(written))['.initrd'], 'new');
});

test('a UKI whose sections share bytes with each other or with the headers is refused', async (t) => {
  const shared = program();
  shared.writeUInt32LE(shared.readUInt32LE(placeAt(1)), placeAt(2));
  const inHeaders = program();
  inHeaders.writeUInt32LE(64, placeAt(0));
  const plain = program();
  const behind = Buffer.concat([plain, plain.subarray(64, 1024)]);
  behind.writeUInt32LE(plain.length, 0x3c);
  for (const old of [shared, inHeaders, behind])
    await t.throwsAsync(replace(t, old, 'new'), { code: 'wrapper-unfit', message: /shares bytes/ });
});
