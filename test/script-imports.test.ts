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
      ...readFileSync(join('scripts', script), 'utf8').matchAll(/\{([^}]*)\} = await import\('([^']+)'\)/g),
    ].map(([, names = '', path = '']) => ({
      script,
      path,
      names: names.split(',').map((name) => name.trim()),
    })),
  );

test('every compiled module that a script imports has a source, and exports what the script takes from it', async (t) => {
  t.true(imports.some(({ script }) => script === 'demo.mjs'));
  for (const { script, path, names } of imports) {
    const compiled = Object.keys(sources).find((folder) => path.startsWith(folder));
    if (compiled === undefined) continue;
    // A module that was renamed leaves its compiled file behind.
    const source = join(sources[compiled] ?? '', path.slice(compiled.length).replace(/\.js$/, '.ts'));
    t.notThrows(() => readFileSync(source), `${script} imports ${path}`);
    const module = await import(pathToFileURL(join('scripts', path)).href);
    for (const name of names) t.true(name in module, `${script} takes ${name} from ${path}`);
  }
});
