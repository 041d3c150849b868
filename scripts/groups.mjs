// A worker of the runner costs 0.4 s of CPU before its first test, and loading the modules of the program up to a second
// more. So the files of the unit lane share as many workers as the runner has at a time. Each is still run alone by its
// name: `npx ava build/test/format/path.unit.test.js`.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './install.mjs';

const workers = 2;
const folder = 'build/test/groups';

/** The test files to run: in place of those of the unit lane, files that load them. */
export function groupFiles(files) {
  const isUnit = (name) => name.endsWith('.unit.test.js');
  return [...writeGroups(files.filter(isUnit)), ...files.filter((name) => !isUnit(name))];
}

function writeGroups(files) {
  rmSync(join(root, folder), { recursive: true, force: true });
  if (files.length === 0) return [];
  mkdirSync(join(root, folder), { recursive: true });
  return Array.from({ length: workers }, (_, worker) => {
    const name = join(folder, `unit-${worker + 1}.test.js`);
    const part = files.filter((_, index) => index % workers === worker);
    writeFileSync(join(root, name), createGroup(part));
    return name;
  });
}

function createGroup(files) {
  const modules = files.map((file) => `  import('../${file.replace('build/test/', '')}'),`);
  return [
    "import { register } from 'node:module';",
    "register('../../../scripts/grouped-hooks.mjs', import.meta.url);",
    "const { declareTests } = await import('../../../scripts/grouped-ava.mjs');",
    'await Promise.all([',
    ...modules,
    ']);',
    'declareTests();',
    '',
  ].join('\n');
}
