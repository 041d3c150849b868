// `npm run api`: writes the pages of docs/api from the docstrings of the declarations that the package ships. `--check` writes
// nothing, and exits with 1 if a page is out of date.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, installReleaseTools, root, run } from './install.mjs';

/** Page -> the declarations that it describes, and its title. */
const pages = {
  'moby-patch.md': { entry: 'index', title: 'The module `moby-patch`' },
  'cpio.md': { entry: 'cpio', title: 'The module `moby-patch/cpio`' },
};

const tools = join(root, 'scripts/release');
const work = mkdtempSync(join(tmpdir(), 'api-pages-'));
try {
  compile();
  installReleaseTools();
  const entries = Object.values(pages).map(({ entry }) => join(root, `dist/${entry}.d.ts`));
  const compilerOptions = {
    target: 'ES2022',
    lib: ['ES2023', 'ESNext.Disposable'],
    module: 'NodeNext',
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(tools, 'node_modules/@types')],
  };
  writeFileSync(join(work, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: entries }));
  const options = {
    ...JSON.parse(readFileSync(join(tools, 'typedoc.json'), 'utf8')),
    tsconfig: join(work, 'tsconfig.json'),
    entryPoints: entries,
    out: work,
  };
  writeFileSync(join(work, 'typedoc.json'), JSON.stringify(options));
  run('node', [join(tools, 'node_modules/typedoc/bin/typedoc'), '--options', join(work, 'typedoc.json')], {
    cwd: tools,
  });
  for (const [name, { entry, title }] of Object.entries(pages)) keepPage(name, makePage(entry, title));
} finally {
  rmSync(work, { recursive: true, force: true });
}

function makePage(entry, title) {
  const text = readFileSync(join(work, `${entry}.md`), 'utf8').replace(/^# .*\n/, '');
  const origin = '<!-- Made of the docstrings by `npm run api`. -->';
  // typedoc names a page by its file.
  const linked = Object.entries(pages).reduce(
    (all, [name, { entry: other }]) => all.replaceAll(`${other}.md#`, other === entry ? '#' : `${name}#`),
    text,
  );
  return mendLinks(`${origin}\n\n# ${title}\n${linked.trimEnd()}\n`);
}

/** typedoc numbers equal names (`status()` and `Status`) in another way than GitHub does. */
function mendLinks(text) {
  const counts = new Map();
  const anchors = new Map();
  for (const [, marks, heading] of text.replace(/^```.*?^```/gms, '').matchAll(/^(#+) (.*)$/gm)) {
    const name = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    const before = counts.get(name) ?? 0;
    counts.set(name, before + 1);
    if (marks === '###') anchors.set(heading.replace(/\(\)$/, ''), before === 0 ? name : `${name}-${before}`);
  }
  return text.replace(/\[`(\w+)`\]\(#[\w-]+\)/g, (link, name) =>
    anchors.has(name) ? `[\`${name}\`](#${anchors.get(name)})` : link,
  );
}

function keepPage(name, text) {
  const path = join(root, 'docs/api', name);
  const isSame = existsSync(path) && readFileSync(path, 'utf8') === text;
  if (isSame) return;
  if (process.argv.includes('--check')) {
    console.error(`docs/api/${name} is out of date; type: npm run api`);
    process.exitCode = 1;
    return;
  }
  mkdirSync(join(root, 'docs/api'), { recursive: true });
  writeFileSync(path, text);
  console.log(`docs/api/${name}: written`);
}
