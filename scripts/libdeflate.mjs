// `npm run libdeflate`: builds the modules of src/compress/gzip/libdeflate from Debian's source of libdeflate and compares
// them with the committed ones. `--write` replaces the committed ones.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { root } from './install.mjs';

// The output equals that of npm's libdeflate 0.1.0, which wrote all images before. 1.14, of Debian 12, differs for short
// inputs.
const source = {
  suite: 'trixie',
  tarball: 'libdeflate_1.23.orig.tar.gz',
  folder: 'libdeflate-1.23',
  sha256: '1ab18349b9fb0ce8a0ca4116bded725be7dcbfa709e19f6f983d99df1fb8b25f',
};

// LLVM 14.0.6, of Debian 12. Another compiler makes another module with the same output.
const compiler = 'clang-14';
const options = [
  '--target=wasm32',
  '-O2',
  '-ffreestanding',
  '-nostdlib',
  '-DFREESTANDING',
  '-DNDEBUG',
  '-fuse-ld=/usr/bin/wasm-ld-14',
  '-Wl,--no-entry,--strip-all',
  // With the stack below the data, an overflow traps.
  '-Wl,--stack-first',
];

const folder = join(root, 'src/compress/gzip/libdeflate');
const cache = join(root, 'build/cache');

mkdirSync(cache, { recursive: true });
const work = mkdtempSync(join(root, 'build/libdeflate-'));
try {
  run('tar', ['-xf', fetchTarball(), '-C', work]);
  const include = `-I${join(work, source.folder)}`;
  for (const module of ['deflate', 'hints']) {
    const built = join(work, `${module}.wasm`);
    run(compiler, [...options, include, '-o', built, join(folder, `${module}.c`)]);
    compare(built, join(folder, `${module}.wasm`));
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

function compare(built, committed) {
  if (process.argv.includes('--write')) writeFileSync(committed, readFileSync(built));
  const digest = hash(built);
  if (digest !== hash(committed))
    throw new Error(
      `${compiler} built a module of SHA-256 ${digest}, the committed one has ${hash(committed)}`,
    );
  console.log(`${digest}  ${basename(committed)}, as committed`);
}

/** The cached tarball, else one from apt, whose lists are in a folder of ours: no root needed, and nothing changed. */
function fetchTarball() {
  const path = join(cache, source.tarball);
  if (!existsSync(path)) {
    const lists = join(work, 'lists');
    mkdirSync(join(lists, 'partial'), { recursive: true });
    const parts = join(work, 'sources');
    mkdirSync(parts);
    writeFileSync(
      join(parts, 'source.sources'),
      `Types: deb-src\nURIs: ${findMirror()}\nSuites: ${source.suite}\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n`,
    );
    const apt = [
      'Dir::Etc::SourceList=/dev/null',
      `Dir::Etc::SourceParts=${parts}`,
      `Dir::State::Lists=${lists}`,
    ]
      .concat(`Dir::Cache=${join(work, 'cache')}`, 'APT::Sandbox::User=')
      .flatMap((option) => ['-o', option]);
    run('apt-get', ['-q', ...apt, 'update']);
    run('apt-get', ['-q', ...apt, 'source', '--tar-only', '--download-only', 'libdeflate'], { cwd: work });
    copyFileSync(join(work, source.tarball), path);
  }
  if (hash(path) !== source.sha256)
    throw new Error(`${path} has the SHA-256 ${hash(path)}, wanted ${source.sha256}`);
  return path;
}

/** The mirror that this machine uses for Debian. */
function findMirror() {
  const format = '$(ORIGIN) $(CODENAME) $(REPO_URI)';
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  return stdout?.match(/^Debian \w+ (\S+)$/m)?.[1] ?? 'http://deb.debian.org/debian';
}

function hash(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function run(command, args, settings = {}) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', ...settings });
  if (error || status !== 0) throw new Error(`${command}: ${error?.message ?? `${stdout}${stderr}`}`);
}
