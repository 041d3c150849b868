// A worker of the runner costs 0.4 s of CPU before its first test, and loading the modules of the program up to a second
// more. So the files of the unit lane share as many workers as the runner has at a time. Each is still run alone by its
// name: `npx ava build/test/format/path.unit.test.js`.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './install.mjs';

const workers = 2;
const folder = 'build/groups';
const tests = 'build/test';
const shared = join(root, 'scripts/grouped-ava.mjs');

/** The test files to run. Groups, which load copies, take the place of the files of the unit lane. */
export function groupFiles(files) {
  const isUnit = (name) => name.endsWith('.unit.test.js');
  return [...writeGroups(files.filter(isUnit)), ...files.filter((name) => !isUnit(name))];
}

function writeGroups(files) {
  rmSync(join(root, folder), { recursive: true, force: true });
  if (files.length === 0) return [];
  copyTests();
  return Array.from({ length: workers }, (_, worker) => {
    const name = join(folder, `unit-${worker + 1}.test.js`);
    const part = files.filter((_, index) => index % workers === worker);
    writeFileSync(join(root, name), createGroup(part));
    return name;
  });
}

/**
 * Copies all modules of the tests, with the `ava` that a group shares in place of the runner's: a hook of the module
 * loader, which could do the same, runs in a thread that costs 4 s of CPU for each worker.
 */
function copyTests() {
  for (const name of readdirSync(join(root, tests), { recursive: true })) {
    if (!name.endsWith('.js')) continue;
    const copy = join(root, folder, name);
    mkdirSync(dirname(copy), { recursive: true });
    const text = readFileSync(join(root, tests, name), 'utf8');
    writeFileSync(copy, text.replaceAll(/(?<=\bfrom )'ava'/g, JSON.stringify(shared)));
  }
}

function createGroup(files) {
  const modules = files.map((file) => `  import('./${file.slice(tests.length + 1)}'),`);
  return [
    `import { declareTests } from ${JSON.stringify(shared)};`,
    'await Promise.all([',
    ...modules,
    ']);',
    'declareTests();',
    '',
  ].join('\n');
}
