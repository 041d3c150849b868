import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';

const pages = { 'docs/api/moby-patch.md': 'src/index.ts', 'docs/api/cpio.md': 'src/cpio.ts' };
const remedy = 'the page is out of date: npm run api';

/** Words alone: a page breaks lines elsewhere, and escapes marks. */
const plain = (text: string) => text.replace(/\\/g, '').replace(/\s+/g, ' ');

/** Name -> the file that declares it, of all that a module exports by name. */
function listExports(module: string): Map<string, string> {
  const source = readFileSync(module, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  const exports = [...source.matchAll(/^export (?:type )?\{([^}]*)\} from '(.*?)\.js';/gms)];
  return new Map(
    exports.flatMap(([, names = '', path = '']) =>
      names
        .split(',')
        .map((name) => name.trim().replace(/^type /, ''))
        .filter((name) => name !== '')
        .map((name): [string, string] => [name, join(dirname(module), `${path}.ts`)]),
    ),
  );
}

/** The first paragraph of the docstring of a declaration. */
function readDocstring(name: string, file: string): string {
  const declaration = new RegExp(
    `/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\n(?:// .*\\n)*export (?:abstract )?(?:async )?(?:function\\*?|const|class|interface|type) ${name}\\b`,
  );
  const text = declaration.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
  return plain(text.replace(/^ *\* ?/gm, '').split('\n\n')[0] ?? '').trim();
}

// `npm run test:soak` makes the pages and compares them: that takes a compiler of its own.
for (const [page, module] of Object.entries(pages))
  test(`${page} has every export of ${module}, with what its docstring says today`, (t) => {
    const text = readFileSync(page, 'utf8');
    const headings = new Set([...text.matchAll(/^### (\w+)/gm)].map(([, name]) => name));
    const said = plain(text);
    const exports = listExports(module);
    t.true(exports.size > 10);
    for (const [name, file] of exports) {
      t.true(headings.has(name), `${name}: ${remedy}`);
      const isElsewhere = said.includes(`Re-exports [${name}]`);
      t.true(isElsewhere || said.includes(readDocstring(name, file)), `${name}: ${remedy}`);
    }
  });
