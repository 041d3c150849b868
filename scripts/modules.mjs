// `npm run modules`: builds the modules of WebAssembly in src/compress from Debian's sources and compares them with the committed
// ones. `--write` replaces the committed ones.
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

const suite = 'trixie';

const sources = [
  {
    // The output equals that of npm's libdeflate 0.1.0, which wrote all images before. 1.14, of Debian 12, differs for short
    // inputs.
    package: 'libdeflate',
    tarball: 'libdeflate_1.23.orig.tar.gz',
    sha256: '1ab18349b9fb0ce8a0ca4116bded725be7dcbfa709e19f6f983d99df1fb8b25f',
    include: 'libdeflate-1.23',
    folder: 'src/compress/gzip/libdeflate',
    modules: ['deflate', 'hints'],
  },
  {
    package: 'libzstd',
    tarball: 'libzstd_1.5.7+dfsg.orig.tar.xz',
    sha256: '0c092ef267edce57ba7f3f2645c861f72eaf5e76273c6c3632869423464b90a5',
    include: 'zstd-1.5.7/lib',
    folder: 'src/compress/zstd/libzstd',
    modules: ['decode'],
  },
];

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

const cache = join(root, 'build/cache');

mkdirSync(cache, { recursive: true });
const work = mkdtempSync(join(root, 'build/modules-'));
try {
  for (const source of sources) {
    const folder = join(root, source.folder);
    run('tar', ['-xf', fetchTarball(source), '-C', work]);
    const includes = [`-I${folder}`, `-I${join(work, source.include)}`];
    for (const module of source.modules) {
      const built = join(work, `${module}.wasm`);
      run(compiler, [...options, ...includes, '-o', built, join(folder, `${module}.c`)]);
      compare(built, join(folder, `${module}.wasm`));
    }
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
function fetchTarball({ package: name, tarball, sha256 }) {
  const path = join(cache, tarball);
  if (!existsSync(path)) {
    const lists = join(work, 'lists');
    mkdirSync(join(lists, 'partial'), { recursive: true });
    const parts = join(work, 'sources');
    mkdirSync(parts, { recursive: true });
    writeFileSync(
      join(parts, 'source.sources'),
      `Types: deb-src\nURIs: ${findMirror()}\nSuites: ${suite}\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n`,
    );
    const apt = [
      'Dir::Etc::SourceList=/dev/null',
      `Dir::Etc::SourceParts=${parts}`,
      `Dir::State::Lists=${lists}`,
    ]
      .concat(`Dir::Cache=${join(work, 'cache')}`, 'APT::Sandbox::User=')
      .flatMap((option) => ['-o', option]);
    run('apt-get', ['-q', ...apt, 'update']);
    run('apt-get', ['-q', ...apt, 'source', '--tar-only', '--download-only', name], { cwd: work });
    copyFileSync(join(work, tarball), path);
  }
  if (hash(path) !== sha256) throw new Error(`${path} has the SHA-256 ${hash(path)}, wanted ${sha256}`);
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
