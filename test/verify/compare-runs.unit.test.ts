import test from 'ava';
import type { MobyPatchError } from '#src/model/error/error.js';
import { compareRuns, refuseDifferences } from '#src/verify/compare-runs.js';
import { put, putDirectory, remove } from '../fixtures/changes.js';

test('two runs that made the same differ in nothing', async (t) => {
  const made = () => [put('a', 'x'), putDirectory('b'), remove('c')];
  const differences = await compareRuns(made(), made().reverse(), new Map());
  t.deepEqual(differences, []);
  t.notThrows(() => refuseDifferences(differences));
});

test('each difference is named with what differs, its first byte and the steps that wrote it', async (t) => {
  const long = 'x'.repeat(100_000);
  const first = [
    put('etc/ssh/ssh_host_rsa_key', `${long}1`),
    put('longer', 'ab'),
    put('mode', '', { mode: 0o600 }),
    put('once', ''),
    put('owner', '', { uid: 1 }),
    put('time', 'x', { mtime: 1 }),
    put('kind', ''),
    put('link', '', { type: 'symlink', target: 'a' }),
  ];
  const second = [
    put('etc/ssh/ssh_host_rsa_key', `${long}2`),
    put('longer', 'abc'),
    put('mode', ''),
    remove('gone'),
    put('owner', ''),
    put('time', 'x', { mtime: 2 }),
    putDirectory('kind'),
    put('link', '', { type: 'symlink', target: 'b' }),
  ];
  const writers = new Map([['etc/ssh/ssh_host_rsa_key', ['p: run a', 'p: run b']]]);
  const differences = await compareRuns(first, second, writers);
  t.deepEqual(
    differences.map(({ path, what, offset }) => [path, what, offset]),
    [
      ['etc/ssh/ssh_host_rsa_key', 'contents', 100_000],
      ['gone', 'only once', undefined],
      ['kind', 'type', undefined],
      ['link', 'target', undefined],
      ['longer', 'contents', 2],
      ['mode', 'mode', undefined],
      ['once', 'only once', undefined],
      ['owner', 'owner', undefined],
      ['time', 'time', undefined],
    ],
  );
  const error = t.throws<MobyPatchError>(() => refuseDifferences(differences));
  t.like(error, { kind: 'failed', code: 'not-reproducible' });
  const wanted =
    /^ {2}etc\/ssh\/ssh_host_rsa_key: contents from byte 100000 on, written by p: run a, then p: run b$/m;
  t.regex(error.message, wanted);
  t.regex(error.hint ?? '', /- ssh-host-keys: first-boot/);
});
