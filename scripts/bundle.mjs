// Joins the modules of the program to few files in dist/program: Node takes about a millisecond for each file that it loads.
// The library and the tests load the modules themselves.
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const folder = join(dist, 'program');
/** Beside it, until it is whole. */
const unfinished = `${folder}.part`;
const main = join(dist, 'main.js');

/** What the files are made of changes with one of these: the modules, the libraries, the way to join them. */
const sources = ['build/src.tsbuildinfo', 'node_modules/.package-lock.json', 'scripts/bundle.mjs'];

const isOneOf = (...names) => {
  const paths = new Set(names.map((name) => join(dist, `${name}.js`)));
  return (path) => paths.has(path);
};

/**
 * What is loaded together is one file: these modules with all that they import, but for what is in a file before. Each of
 * the others is in a file of its own, or in one for the same set of users.
 */
const files = [
  // Every command. `main.js` waits for commands, which could not wait for it in turn.
  { name: 'start', tags: ['$initial'], test: (path) => path !== main },
  {
    name: 'reading',
    test: isOneOf(
      'commands/inspect',
      'commands/ls',
      'commands/shared/progress',
      'commands/unpack',
      'io/process/tune-v8',
      'report/inspection',
      'setup/named-image',
      'setup/own-configuration',
      'setup/reading-session',
      'tasks/entries',
      'tasks/inspect',
      'tasks/unpack',
      'unpack/export/to-folder',
      'wrapper/open-wrapper',
    ),
  },
  {
    name: 'building',
    test: isOneOf(
      'build',
      'commands/build',
      'compress/gzip-writer',
      'report/write-reports',
      'setup/build-request',
      'setup/session',
    ),
  },
].map((file, index, { length }) => ({ ...file, priority: length - index }));

/** Does nothing if the files are newer than their sources. Without rolldown the program runs from its modules. */
export async function bundle() {
  const changed = Math.max(...sources.map((path) => readTime(join(root, path))));
  if (readTime(join(folder, 'main.js')) > changed) return;
  for (const each of [folder, unfinished]) rmSync(each, { recursive: true, force: true });
  const joiner = await import('rolldown').catch((error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  });
  if (joiner === undefined) return;
  const { output } = await joiner.build({
    cwd: root,
    input: { main },
    platform: 'node',
    // Loads files of its own by their path.
    external: ['dockerode'],
    plugins: [keepUrls, loadProcessesLate],
    onLog(level, log, print) {
      // Two modules that are imported late by one user and at once by another are as they should be.
      if (log.code !== 'INEFFECTIVE_DYNAMIC_IMPORT') print(level, log);
    },
    output: {
      dir: unfinished,
      entryFileNames: '[name].js',
      chunkFileNames: '[name]-[hash].js',
      // Names stay: they are in the stack of a defect.
      minify: { compress: true, mangle: false, codegen: true },
      codeSplitting: { groups: files },
    },
  });
  const modules = output.flatMap(({ moduleIds = [] }) => moduleIds);
  writeFileSync(join(unfinished, 'LICENSES.txt'), listLicenses(modules));
  renameSync(unfinished, folder);
}

/** `import.meta.url` stays that of the compiled module, which has its files beside it. */
const keepUrls = {
  name: 'keep-urls',
  load(path) {
    if (!path.startsWith(dist + sep)) return undefined;
    const own = `new URL(${JSON.stringify(relative(folder, path))}, import.meta.url).href`;
    return readFileSync(path, 'utf8').replaceAll('import.meta.url', own);
  },
};

/** commander loads Node's module of processes for commands that are programs of their own, of which there are none. */
const loadProcessesLate = {
  name: 'load-processes-late',
  transform(code, path) {
    if (!path.endsWith(join('node_modules', 'commander', 'lib', 'command.js'))) return undefined;
    const load = "require('node:child_process')";
    const early = `const childProcess = ${load};`;
    if (!code.includes(early)) throw new Error(`${path} loads node:child_process in another way`);
    return code.replace(early, '').replaceAll('childProcess.', `${load}.`);
  },
};

function listLicenses(modules) {
  const packages = new Set(modules.map((path) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]));
  packages.delete(undefined);
  return [...packages]
    .sort()
    .map((name) => {
      const files = ['LICENSE', 'LICENSE.md', 'license'].map((file) =>
        join(root, 'node_modules', name, file),
      );
      const found = files.find((file) => existsSync(file));
      if (found === undefined) throw new Error(`no license of ${name}`);
      return `${name}\n\n${readFileSync(found, 'utf8')}`;
    })
    .join('\n\n');
}

function readTime(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
