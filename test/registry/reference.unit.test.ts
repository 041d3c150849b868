import test from 'ava';
import { isReference, parseReference } from '#src/registry/reference.js';

const digest = `sha256:${'a'.repeat(64)}`;

const right: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['oci://r.example.com/vm', { host: 'r.example.com', repository: 'vm', tag: 'latest' }],
  ['oci://localhost/a/b-c/d__e:1.2', { host: 'localhost', repository: 'a/b-c/d__e', tag: '1.2' }],
  ['oci://127.0.0.1:5000/vm:x', { host: '127.0.0.1:5000', repository: 'vm', tag: 'x' }],
  ['oci://[::1]:5000/vm', { host: '[::1]:5000', repository: 'vm', tag: 'latest' }],
  [`oci://r.io/vm:1@${digest}`, { host: 'r.io', repository: 'vm', tag: '1', digest }],
  ['oci://r.io/vm#vmlinuz', { host: 'r.io', repository: 'vm', tag: 'latest', file: 'vmlinuz' }],
];

test('a reference has a host, a repository, a tag or a digest, and perhaps a file', (t) => {
  for (const [text, parts] of right) t.like(parseReference(text), { text, ...parts });
});

const wrong = [
  'oci://',
  'oci://vm:1',
  'oci://user/vm',
  'oci://r.io/VM',
  'oci://r.io/../vm',
  'oci://r.io//vm',
  'oci://r.io/vm:',
  'oci://r.io/vm:a b',
  'oci://r.io/vm@sha256:12',
  'oci://r.io/vm?x=1',
  'oci://user@r.io/vm',
  'oci://r.io/vm\u0000',
  'oci://r.io:99999999/vm',
  `oci://r.io/${'a'.repeat(2000)}`,
];

for (const text of wrong)
  test(`${JSON.stringify(text.slice(0, 40))} is no reference`, (t) => {
    t.throws(() => parseReference(text), { code: 'registry-reference' });
  });

test('a path is no reference', (t) => {
  t.false(isReference('./oci:/x'));
});
