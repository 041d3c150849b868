import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const source = join(dirname(fileURLToPath(import.meta.url)), '../../src');
const libraries = ['commander', 'p-limit', 'yaml', 'zod'];
/** Joined into the package (`scripts/bundle.mjs`): the modules import its types. */
const inside = ['dockerode'];

/** Who may import whom; a folder may always import itself. */
const ground = ['model', 'format', 'io', 'node', 'libraries'];
const middle = [...ground, 'compress', 'tar', 'folder', 'tree'];
const stages = [
  ...middle,
  'yaml',
  'unpack',
  'repack',
  'verify',
  'engine',
  'registry',
  'wrapper',
  'catalog',
  'patch',
  'report',
];
const allowed: Readonly<Record<string, readonly string[]>> = {
  model: [],
  format: ['model'],
  yaml: ['model', 'libraries'],
  io: ['model', 'format', 'node', 'libraries'],
  compress: ground,
  tar: ground,
  folder: ground,
  tree: ['model', 'format'],
  unpack: middle,
  repack: middle,
  verify: middle,
  engine: middle,
  registry: middle,
  wrapper: middle,
  catalog: [...middle, 'yaml'],
  patch: ['model', 'format', 'yaml', 'io', 'tar', 'tree', 'node', 'libraries'],
  report: ['model', 'format'],
  build: [...stages, 'version.ts'],
  'build.ts': [...stages, 'build'],
  setup: [...stages, 'build.ts'],
  tasks: [...stages, 'build.ts', 'setup', 'version.ts'],
  deploy: [...stages, 'build.ts', 'setup'],
  fleet: [...stages, 'build', 'build.ts', 'setup', 'tasks', 'version.ts'],
  commands: [...stages, 'build.ts', 'setup', 'tasks', 'deploy', 'fleet'],
  'index.ts': [...stages, 'build.ts', 'setup', 'tasks', 'deploy', 'fleet'],
  'cpio.ts': ['model', 'format'],
  'cli.ts': ['io', 'main.ts', 'node'],
  'main.ts': ['commands', 'io', 'model', 'node', 'libraries', 'version.ts'],
  'version.ts': ['node'],
};

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly what: string;
}

function listImports(): Import[] {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return files.flatMap((file) => {
    const text = readFileSync(join(source, file), 'utf8');
    const found = text.matchAll(/^(?:import|export)\b[^;'"`=]*?\bfrom '([^']+)';|import\('([^']+)'\)/gm);
    return [...found]
      .map(([, fixed, lazy]) => fixed ?? lazy ?? '')
      .map((what) => ({ file, from: place(file), to: target(file, what), what }));
  });
}

function place(file: string): string {
  return file.includes('/') ? (file.split('/')[0] ?? '') : file;
}

function target(file: string, what: string): string {
  if (what.startsWith('node:')) return 'node';
  if (!what.startsWith('.')) return 'libraries';
  return place(relative('.', normalize(join(dirname(file), what))).replace(/\.js$/, '.ts'));
}

test('every import is one that the table of ARCHITECTURE.md allows', (t) => {
  const wrong = listImports().filter(({ from, to }) => from !== to && !allowed[from]?.includes(to));
  t.deepEqual(
    wrong.map(({ file, what, from, to }) => `${file} imports ${what}: ${from} may not import ${to}`),
    [],
  );
});

test('every library is a dependency, and every dependency is used', (t) => {
  const used = new Set(
    listImports()
      .filter(({ to }) => to === 'libraries')
      .map(({ what }) => what),
  );
  t.deepEqual([...used].sort(), [...libraries, ...inside].sort());
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  t.deepEqual(Object.keys(dependencies).sort(), libraries);
});

/** The libraries that files load before anything runs; types are gone then. */
function listLoaded(first: readonly string[]): string[] {
  const files = new Set<string>();
  const used = new Set<string>();
  const waiting = [...first];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(file) || !file.endsWith('.ts')) continue;
    files.add(file);
    const text = readFileSync(join(source, file), 'utf8');
    for (const [, what = ''] of text.matchAll(
      /^(?:import|export)\b(?! type\b)[^;'"`=]*?\bfrom '([^']+)';/gm,
    )) {
      if (what.startsWith('.')) waiting.push(join(dirname(file), what).replace(/\.js$/, '.ts'));
      else if (!what.startsWith('node:')) used.add(what);
    }
  }
  return [...used];
}

test('no command loads a library before it runs, but for the one that reads the command line', (t) => {
  const commands = readdirSync(join(source, 'commands'), { recursive: true, encoding: 'utf8' });
  t.deepEqual(listLoaded(['main.ts', ...commands.map((name) => `commands/${name}`)]), ['commander']);
});

test('a task that only reads an image loads no library', (t) => {
  t.deepEqual(listLoaded(['inspect', 'entries', 'diff'].map((name) => `tasks/${name}.ts`)), []);
});

test('files stay small and end with one line break', (t) => {
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )) {
    const lines = readFileSync(join(source, file), 'utf8').split('\n').length - 1;
    t.true(lines <= 350, `${file} has ${lines} lines`);
  }
});
