import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';

const sources: Readonly<Record<string, string>> = { '../dist/': 'src', '../build/test/': 'test' };

/** The imports of compiled modules that the compiler does not check, for the importing file is JavaScript. */
const imports = readdirSync('scripts')
  .filter((name) => name.endsWith('.mjs'))
  .flatMap((script) =>
    [
      ...readFileSync(join('scripts', script), 'utf8').matchAll(/\{([^{}]*)\} = await import\('([^']+)'\)/g),
    ].map(([, names = '', path = '']) => ({
      script,
      path,
      names: names.split(',').map((name) => name.trim()),
    })),
  );

test('every compiled module that a script imports has a source, and exports what the script takes from it', (t) => {
  t.true(imports.some(({ script }) => script === 'demo.mjs'));
  for (const { script, path, names } of imports) {
    const compiled = Object.keys(sources).find((folder) => path.startsWith(folder));
    if (compiled === undefined) continue;
    // A module that was renamed leaves its compiled file behind.
    const source = join(sources[compiled] ?? '', path.slice(compiled.length).replace(/\.js$/, '.ts'));
    t.notThrows(() => readFileSync(source), `${script} imports ${path}`);
    t.deepEqual(listMissing(path, names), [], `${script} imports ${path}`);
  }
});

/** The names that a module lacks. A process of its own, since a fixture may need the test runner, which a script lacks. */
function listMissing(path: string, names: readonly string[]): unknown {
  const { href } = pathToFileURL(join('scripts', path));
  const code = `const module = await import(${JSON.stringify(href)});
    console.log(JSON.stringify(${JSON.stringify(names)}.filter((name) => !(name in module))));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
  });
  return stdout === '' ? stderr : JSON.parse(stdout);
}
