// Joins the modules of the program to few files in dist/program: Node takes about a millisecond for each file that it loads.
// The library and the tests load the modules themselves. dist/vendor has the one library that comes inside of the package.
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const folder = join(dist, 'program');
const vendor = join(dist, 'vendor');
/** Beside it, until it is whole. */
const unfinished = `${folder}.part`;
const main = join(dist, 'main.js');

/** What the files are made of changes with one of these: the modules, the libraries, the way to join them. */
const sources = ['build/src.tsbuildinfo', 'node_modules/.package-lock.json', 'scripts/bundle.mjs'];

const isOneOf = (...names) => {
  const paths = new Set(names.map((name) => join(dist, `${name}.js`)));
  const missing = [...paths].find((path) => readTime(path) === 0);
  if (missing !== undefined) throw new Error(`there is no ${missing} to be joined`);
  return (path) => paths.has(path);
};

/**
 * Modules that are loaded together go into one file: these, with all that they import and no earlier file has. Each other
 * module has a file of its own, or shares one with modules of the same users.
 */
const listFiles = () =>
  [
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
      name: 'codecs',
      test: isOneOf('compress/bzip2', 'compress/lz4', 'compress/lzo', 'compress/xz', 'compress/zstd/zstd'),
    },
    {
      name: 'building',
      test: isOneOf(
        'build',
        'catalog/find-image',
        'commands/build',
        'commands/shared/write-reports',
        'compress/gzip/writer',
        'report/text',
        'setup/build-request',
        'setup/flags',
        'setup/session',
      ),
    },
  ].map((file, index, { length }) => ({ ...file, priority: length - index }));

/** Does nothing if the files are newer than their sources. Without rolldown the program runs from its modules. */
export async function bundle() {
  const changed = Math.max(...sources.map((path) => readTime(join(root, path))));
  const made = [join(folder, 'main.js'), join(vendor, 'dockerode.js')];
  if (made.every((path) => readTime(path) > changed)) return;
  for (const each of [folder, unfinished, vendor]) rmSync(each, { recursive: true, force: true });
  const joiner = await import('rolldown').catch((error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  });
  if (joiner === undefined) return;
  await joinModules(joiner, {
    input: { dockerode: join(root, 'node_modules/dockerode/lib/docker.js') },
    plugins: [leaveOut],
    output: { dir: vendor },
  });
  await joinModules(joiner, {
    input: { main },
    plugins: [keepUrls, loadProcessesLate],
    output: { dir: unfinished, codeSplitting: { groups: listFiles() } },
  });
  leaveOutFacades(unfinished);
  renameSync(unfinished, folder);
}

/**
 * A module that is imported late and shares its file has one more, which says what the module's names are called there. Who
 * imports it gets these names from the shared file: Node takes a millisecond for each file that it loads.
 */
function leaveOutFacades(folder) {
  const texts = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  const calls = new Map();
  for (const [name, text] of texts) {
    const [, names, path] = /^export\{([^}]*)\}from"(\.\/[^"]+)";\s*$/.exec(text) ?? [];
    if (path === undefined) continue;
    const properties = names.split(',').map((each) => {
      const [inside, outside = inside] = each.split(' as ');
      return `${outside}:file.${inside}`;
    });
    calls.set(`import(\`./${name}\`)`, `import(\`${path}\`).then(file=>({${properties}}))`);
    rmSync(join(folder, name));
    texts.delete(name);
  }
  for (const [name, text] of texts) {
    const changed = text.replaceAll(/import\(`[^`]+`\)/g, (call) => calls.get(call) ?? call);
    if (changed !== text) writeFileSync(join(folder, name), changed);
  }
}

/** Joins what `input` loads to files in `output.dir`, with the licenses of the libraries in them. */
async function joinModules(joiner, { output, ...rest }) {
  const made = await joiner.build({
    cwd: root,
    platform: 'node',
    onLog(level, log, print) {
      // Two modules that are imported late by one user and at once by another are as they should be.
      if (log.code !== 'INEFFECTIVE_DYNAMIC_IMPORT') print(level, log);
    },
    output: {
      entryFileNames: '[name].js',
      chunkFileNames: '[name]-[hash].js',
      // Names stay: they are in the stack of a defect.
      minify: { compress: true, mangle: false, codegen: true },
      ...output,
    },
    ...rest,
  });
  const modules = made.output.flatMap(({ moduleIds = [] }) => moduleIds);
  writeFileSync(join(output.dir, 'LICENSES.txt'), listLicenses(modules.filter((path) => !unused.test(path))));
}

/**
 * Parts of dockerode that nothing here needs (BuildKit, contexts of builds, SSH, and the certificates of the environment,
 * since the agent is ours), with the 60 packages that they bring.
 */
const unused =
  /\/(?:dockerode\/lib\/(?:session|buildkit)|docker-modem\/lib\/ssh|split-ca\/index|tar-fs\/index|@balena\/dockerignore\/ignore)\.js$/;

/** A module that does nothing in the place of each that is not needed. */
const leaveOut = {
  name: 'leave-out',
  load: (path) => (unused.test(path) ? 'module.exports = () => {};' : undefined),
};

/** Keeps `import.meta.url` the URL of the compiled module, whose files are beside it. */
const keepUrls = {
  name: 'keep-urls',
  load(path) {
    if (!path.startsWith(dist + sep)) return undefined;
    const own = `new URL(${JSON.stringify(relative(folder, path))}, import.meta.url).href`;
    return readFileSync(path, 'utf8').replaceAll('import.meta.url', own);
  },
};

/** commander loads node:child_process for commands that are programs of their own. There are none here. */
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
  const packages = new Set(modules.map((path) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]));
  packages.delete(undefined);
  return [...packages]
    .sort()
    .map((name) => {
      const folder = join(root, 'node_modules', name);
      const found = readdirSync(folder).find((file) => /^licen[cs]e(?:\.\w+)?$/i.test(file));
      if (found === undefined) throw new Error(`no license of ${name}`);
      return `${name}\n\n${readFileSync(join(folder, found), 'utf8')}`;
    })
    .join('\n\n');
}

function readTime(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
