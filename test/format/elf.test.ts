import { readFile } from 'node:fs/promises';
import test from 'ava';
import fc from 'fast-check';
import { parseElf } from '#src/format/kind/elf.js';
import { createElf } from '../fixtures/images/elf.js';

const interpreter = '/lib64/ld-linux-x86-64.so.2';

test('the loader and the libraries of a real program are read', async (t) => {
  const elf = parseElf(await readFile(process.execPath));
  t.is(elf?.bits, 64);
  t.regex(elf?.interpreter ?? '', /^\/lib.*ld-/);
  t.true(elf?.needed.some((name) => name.startsWith('libc.')));
});

test('a damaged ELF file is refused or read, whatever the damage', (t) => {
  const whole = createElf({ interpreter, needed: ['libc.so.6'], runpath: '$ORIGIN/x:/y' });
  t.deepEqual(parseElf(whole), {
    bits: 64,
    machine: 62,
    interpreter,
    needed: ['libc.so.6'],
    folders: ['$ORIGIN/x', '/y'],
  });
  const damaged = fc
    .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 })
    .chain((bytes) => fc.tuple(fc.constant(bytes), fc.nat(whole.length)));
  const property = fc.property(damaged, ([bytes, size]) => {
    const copy = Buffer.from(whole);
    for (const [at, value] of bytes) copy[at] = value;
    const elf = parseElf(copy.subarray(0, size));
    return elf === undefined || elf.needed.length <= 4096;
  });
  t.notThrows(() => fc.assert(property, { numRuns: 5000 }));
});
