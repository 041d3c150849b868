// Joins the modules of the program to few files in dist/program: Node takes about a millisecond for each file that it loads.
// The library and the tests load the modules themselves.
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const folder = join(dist, 'program');
/** Beside it, until it is whole. */
const unfinished = `${folder}.part`;

/** What the files are made of changes with one of these: the modules, the libraries, the way to join them. */
const sources = ['build/src.tsbuildinfo', 'node_modules/.package-lock.json', 'scripts/bundle.mjs'];

/** Does nothing if the files are newer than their sources. Without esbuild the program runs from its modules. */
export async function bundle() {
  const changed = Math.max(...sources.map((path) => readTime(join(root, path))));
  if (readTime(join(folder, 'main.js')) > changed) return;
  for (const each of [folder, unfinished]) rmSync(each, { recursive: true, force: true });
  const esbuild = await import('esbuild').catch((error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  });
  if (esbuild === undefined) return;
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [join(dist, 'main.js')],
    outdir: unfinished,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Names stay: they are in the stack of a defect.
    minifySyntax: true,
    minifyWhitespace: true,
    // Loads files of its own by their path.
    external: ['dockerode'],
    // commander and yaml are CommonJS, and require modules of Node.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    plugins: [keepUrls],
    metafile: true,
    logLevel: 'warning',
  });
  writeFileSync(join(unfinished, 'LICENSES.txt'), listLicenses(Object.keys(metafile.inputs)));
  renameSync(unfinished, folder);
}

/** `import.meta.url` stays that of the compiled module, which has its files beside it. */
const keepUrls = {
  name: 'keep-urls',
  setup({ onLoad }) {
    onLoad({ filter: /\/dist\/.*\.js$/ }, ({ path }) => {
      if (!path.startsWith(dist)) return undefined;
      const own = `new URL(${JSON.stringify(relative(folder, path))}, import.meta.url).href`;
      return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', own) };
    });
  },
};

function listLicenses(inputs) {
  const packages = new Set(inputs.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]));
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
