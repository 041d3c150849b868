import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Each program that the tests start -> the Debian packages that have it. */
export const programs = JSON.parse(readFileSync(new URL('programs.json', import.meta.url), 'utf8'));

/** What builds libdeflate's module: Debian 12 has it. Where it cannot be had, the test of the recipe is skipped. */
const compilers = { 'clang-14': 'clang-14', 'wasm-ld-14': 'lld-14' };

/** What the comparisons of `npm run bench` need beside these. */
export const peers = {
  pigz: 'pigz',
  'libdeflate-gzip': 'libdeflate-tools',
  lsinitramfs: 'initramfs-tools-core',
  time: 'time',
};

/** Runs a command with our own output; ends the program when it fails. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** Installs the npm packages unless they are there and as new as the lock file. */
export function installPackages() {
  const mark = join(root, 'node_modules/.package-lock.json');
  if (existsSync(mark) && statSync(mark).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs) return;
  console.error('installing npm packages');
  run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/**
 * Installs the Debian packages of the programs that are missing. Not as root, or not on Debian: says the one
 * command to type and returns false.
 */
export function installPrograms(names = Object.keys(programs)) {
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) return true;
  const packages = [...new Set(missing.flatMap((name) => (programs[name] ?? peers[name]).split(' ')))];
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  if (process.getuid?.() !== 0 || !isInstalled('apt-get')) {
    console.error(`missing: ${missing.join(', ')}\nto install them: sudo apt-get ${install.join(' ')}`);
    return false;
  }
  console.error(`installing ${packages.join(', ')}`);
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
  };
  run('apt-get', ['update', '-q'], options);
  run('apt-get', install, options);
  return true;
}

/** Installs the compiler of `npm run libdeflate`, as root on a Debian that has it. */
export function installCompiler() {
  const missing = Object.keys(compilers).filter((name) => !isInstalled(name));
  const packages = missing.map((name) => compilers[name]);
  if (missing.length === 0 || process.getuid?.() !== 0 || !isInstalled('apt-get')) return;
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, stdio: 'ignore' };
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  spawnSync('apt-get', ['update', '-q'], options);
  const { status } = spawnSync('apt-get', install, options);
  if (status !== 0) console.error(`could not be installed, so a test is skipped: ${packages.join(', ')}`);
}

/** System programs are not in everybody's PATH. */
export function isInstalled(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(join(folder, name)));
}

/** Compiles what is not compiled yet: the program, and the tests with their fixtures. */
export function compile() {
  run('node', [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'src', 'test']);
  run('node', ['scripts/copy-assets.mjs']);
  run('node', ['scripts/executable.mjs']);
}
