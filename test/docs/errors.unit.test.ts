import { readFileSync } from 'node:fs';
import test from 'ava';

const codes = [...readFileSync('src/model/error/error-code.ts', 'utf8').matchAll(/^ {2}\| '(.*)'/gm)].map(
  ([, code]) => code,
);
const explained = [...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| (`.*?) \|/gm)].flatMap(
  ([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code),
);

test('docs/errors.md explains every code once, and no other', (t) => {
  t.true(codes.length > 100);
  t.deepEqual([...explained].sort(), [...codes].sort());
});
