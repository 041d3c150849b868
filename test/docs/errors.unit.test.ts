import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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

/** What cannot be brought about in a test, and why. */
const unprovoked: Readonly<Record<string, string>> = {
  'application-stays': 'it takes two minutes of an application that does not end',
  'image-unsettled': 'it takes half an hour of writing to the image',
  'overlay-differs': 'it takes a defect of ours',
  'program-stuck': 'it takes a process that SIGKILL does not end',
};

function* listFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* listFiles(path);
    else if (/\.(ts|txt)$/.test(entry.name)) yield path;
  }
}

test('every code is in a test, or here with the reason why not', (t) => {
  const words = new Set<string>();
  for (const path of listFiles('test'))
    if (!path.endsWith('docs/errors.unit.test.ts'))
      for (const [word] of readFileSync(path, 'utf8').matchAll(/[a-z0-9]+(?:-[a-z0-9]+)*/g)) words.add(word);
  const missing = codes.filter((code = '') => !words.has(code) && !(code in unprovoked));
  t.deepEqual(missing, []);
  const needless = Object.keys(unprovoked).filter((code) => words.has(code) || !codes.includes(code));
  t.deepEqual(needless, []);
});
