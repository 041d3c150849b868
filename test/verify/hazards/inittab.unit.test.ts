import test from 'ava';
import { findHazards } from '#src/verify/hazards/find-hazards.js';
import { createArchive, directory, file, type Member, openBytes, symlink } from '../../fixtures/archive.js';
import { createElf } from '../../fixtures/images/elf.js';

const program = (name: string): Member => ({ name, mode: 0o100755, body: createElf({}) });
const script = (name: string) => file(name, '#!/bin/sh\n', { mode: 0o100755 });

test("the program that busybox's init starts first has to be there", async (t) => {
  const busybox = (table: string, more: readonly Member[] = []) => [
    directory('bin'),
    program('bin/sh'),
    program('bin/busybox'),
    directory('etc'),
    file('etc/inittab', table),
    ...more,
  ];
  const direct = symlink('init', 'bin/busybox');
  const found = async (table: string, ...more: Member[]) =>
    (await findHazards(await openBytes(t, createArchive(busybox(table, more))))).map(
      ({ code, severity }) => `${code} ${severity}`,
    );
  const table = '# first\n#::sysinit:/other\n::sysinit:-/etc/rc start >/dev/null\n::respawn:/none\n';
  t.deepEqual(await found(table, direct), ['inittab-program fatal']);
  t.deepEqual(await found(table, script('init')), ['inittab-program warning']);
  t.deepEqual(await found(table, direct, file('etc/rc', '#!/bin/sh\n')), ['inittab-program fatal']);
  t.deepEqual(await found(table, direct, script('etc/rc')), []);
  for (const other of ['', '::respawn:/none\n', '::sysinit:mount -a\n', '::sysinit:$NONE\n'])
    t.deepEqual(await found(other, direct), []);
});
