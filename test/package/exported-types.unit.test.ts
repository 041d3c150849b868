import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';

interface Declarations {
  /** Name -> text of the declaration. */
  readonly own: ReadonlyMap<string, string>;
  /** Name -> file that declares it. */
  readonly imported: ReadonlyMap<string, string>;
}

function readDeclarations(file: string): Declarations {
  const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  const own = new Map<string, string>();
  const start =
    /^(?:export )?(?:declare )?(?:async )?(?:abstract )?(?:function|const|class|interface|type) (\w+)/gm;
  const begins = [...text.matchAll(start)];
  for (const [index, match] of begins.entries())
    own.set(match[1] ?? '', text.slice(match.index, begins[index + 1]?.index));
  const imported = new Map<string, string>();
  for (const [, names = '', path = ''] of text.matchAll(
    /^import (?:type )?\{([^}]*)\} from '(\.[^']*)\.js';/gm,
  ))
    for (const name of listNames(names)) imported.set(name, join(dirname(file), `${path}.d.ts`));
  return { own, imported };
}

function listNames(text: string): string[] {
  return text
    .split(',')
    .map((each) => each.trim().replace(/^type /, ''))
    .filter((each) => each !== '');
}

/** What the package exports: `FILE NAME`. */
function listExports(index: string): [file: string, name: string][] {
  const text = readFileSync(index, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  return [...text.matchAll(/^export (?:type )?(\*|\{[^}]*\}) from '(\.[^']*)\.js';/gm)].flatMap(
    ([, what = '', path = '']): [string, string][] => {
      const file = join(dirname(index), `${path}.d.ts`);
      const names = what === '*' ? [...readDeclarations(file).own.keys()] : listNames(what.slice(1, -1));
      return names.map((name) => [file, name]);
    },
  );
}

/** A step of the computation of `StepInput`: what comes out is what a user names. */
const computation = new Set(['InputOf']);

for (const module of ['index', 'cpio'])
  test(`every type in a signature that ${module} exports can be named by a user`, (t) => {
    const exported = listExports(`dist/${module}.d.ts`);
    t.true(exported.length > 10);
    const known = new Set(exported.map(([file, name]) => `${file} ${name}`));
    const missing = new Set<string>();
    for (const [file, name] of exported) {
      const { own, imported } = readDeclarations(file);
      for (const [word] of (own.get(name) ?? '').matchAll(/\b[A-Z]\w+\b/g)) {
        const home = imported.get(word) ?? (own.has(word) ? file : undefined);
        if (home !== undefined && !computation.has(word) && !known.has(`${home} ${word}`))
          missing.add(`${word} of ${home}, in the signature of ${name}`);
      }
    }
    t.deepEqual([...missing].sort(), []);
  });
