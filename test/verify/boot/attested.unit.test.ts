import test from 'ava';
import { parseAttested } from '#src/verify/boot/attest/attested-line.js';
import { compareAttested, type ExpectedPath } from '#src/verify/boot/attest/compare-attested.js';
import { createObservation } from '#src/verify/boot/judge/observation.js';
import { createProbe } from '#src/verify/boot/probe/probe.js';

const nonce = 'ab'.repeat(16);
const sha256 = '0a'.repeat(32);

function parse(line: string) {
  const found = parseAttested(line);
  if (found === undefined) throw new Error(`torn: ${line}`);
  return found;
}

const file: ExpectedPath = { type: 'file', mode: 0o4755, uid: 1, gid: 2, size: 3, sha256 };
const lines = [
  `0 d 755 0 0 0 1 2 0 - . - `,
  `1 - 4755 1 2 3 7 2 0 ${sha256} a%20b%ff - `,
  `2 - 4755 1 2 3 7 2 0 ${sha256} c - `,
  `3 l 777 0 0 2 9 1 0 - link a%25 `,
  `4 c 600 0 0 0 8 1 1281 - dev/console - `,
  `5 d 755 0 0 0 10 2 0 - dev - `,
].map((line) => line.trimEnd());
const wanted = new Map<string, ExpectedPath>([
  ['a b\udcff', { ...file, link: 'x' }],
  ['c', { ...file, link: 'x' }],
  ['link', { type: 'symlink', mode: 0o777, uid: 0, gid: 0, size: 2, target: 'a%' }],
]);

test('a guest that has unpacked the image differs in nothing, whatever the bytes of a name', (t) => {
  t.deepEqual(compareAttested(wanted, lines.map(parse)), { differences: [], added: [] });
});

test('each difference has its path and both sides', (t) => {
  const other = [
    `1 - 755 1 0 3 7 1 0 ${'0b'.repeat(32)} a%20b%ff -`,
    `2 - 4755 1 2 2 8 1 0 ${sha256} c -`,
    '3 d 755 0 0 2 9 1 0 - more -',
    '4 b 600 0 0 0 8 1 2049 - disk -',
  ].map(parse);
  const disk: ExpectedPath = {
    type: 'block',
    mode: 0o600,
    uid: 0,
    gid: 0,
    size: 0,
    device: { major: 8, minor: 2 },
  };
  const { differences, added } = compareAttested(new Map([...wanted, ['disk', disk]]), other);
  t.deepEqual(
    differences.map(({ path, what, wanted, found }) => [path, what, wanted, found]),
    [
      ['a b\udcff', 'mode', '-rwsr-xr-x', '-rwxr-xr-x'],
      ['a b\udcff', 'owner', '1:2', '1:0'],
      ['a b\udcff', 'content', sha256, '0b'.repeat(32)],
      ['c', 'size', '3 bytes', '2 bytes'],
      ['c', 'link', 'a name of one file', 'a file of its own'],
      ['link', 'missing', 'a symlink', 'nothing'],
      ['disk', 'device', '8:2', '8:1'],
    ],
  );
  t.deepEqual(added, ['more']);
});

test('a torn line is none, and a guest that has told all can add nothing', (t) => {
  t.is(parseAttested('1 - 755 1 0 3 7 1 0 0b0b a -'), undefined);
  t.is(parseAttested('1 - 755 1 0 3 7 1'), undefined);
  const seen = createObservation(nonce, [], () => t.fail('its lines are not on the console'));
  const tell = (words: string) => seen.pushProbe(Buffer.from(`moby-patch-verify ${nonce} ${words} .\r\n`), 1);
  tell(`attest ${lines[0]}`);
  tell('attested 2');
  tell(`attest ${lines[1]}`);
  t.is(seen.attestation.result(wanted), undefined);
  t.deepEqual(seen.attestation.progress(), { told: 1, count: 2 });
});

test('an attested boot starts the attester, which becomes what would have been first', (t) => {
  const request = { nonce, expects: [], firstProgram: '/sbin/first' };
  const ordersOf = (init: 'openrc' | 'other' | 'none') => {
    const { segment, words } = createProbe({ ...request, init, attest: 'aarch64' });
    t.deepEqual(words, ['rdinit=/moby-patch-verify.attester']);
    const text = Buffer.from(segment).toString('latin1');
    return text
      .slice(text.lastIndexOf(`moby-patch-verify ${nonce}\n`), text.lastIndexOf('.orders\n'))
      .split('\n')[2];
  };
  t.is(ordersOf('none'), '/sbin/first');
  t.is(ordersOf('openrc'), '/sbin/first');
  t.is(ordersOf('other'), '/moby-patch-verify');
});
