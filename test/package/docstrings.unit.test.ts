import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';

/** Functions, classes and values that a module of the API exports, with the file of each. */
function listExports(module: string): { readonly name: string; readonly file: string }[] {
  const source = readFileSync(module, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  return [...source.matchAll(/^export \{([^}]*)\} from '(.*?)\.js';/gms)].flatMap(
    ([, names = '', path = '']) =>
      names
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== '' && !each.startsWith('type '))
        .map((name) => ({ name, file: join(dirname(module), `${path}.ts`) })),
  );
}

/** Whether a declaration has a comment for its readers right before it. */
function isDescribed(name: string, file: string): boolean {
  const declaration = new RegExp(
    `\\*/\\n(?:// .*\\n)*export (?:async )?(?:function\\*?|const|class) ${name}\\b`,
  );
  return declaration.test(readFileSync(file, 'utf8'));
}

for (const module of ['src/index.ts', 'src/cpio.ts'])
  test(`every function and value of ${module} says what it does`, (t) => {
    const all = listExports(module);
    t.true(all.length > 5);
    t.deepEqual(
      all.filter(({ name, file }) => !isDescribed(name, file)).map(({ name, file }) => `${file}: ${name}`),
      [],
    );
  });
