import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Each program that the tests start -> the Debian packages that have it. */
export const programs = JSON.parse(readFileSync(new URL('programs.json', import.meta.url), 'utf8'));

/** Programs that `npm run bench` compares with -> their packages. */
export const peers = {
  pigz: 'pigz',
  'libdeflate-gzip': 'libdeflate-tools',
  lsinitramfs: 'initramfs-tools-core',
  time: 'time',
};

/** Runs a command with our output; exits when it fails. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** Installs the npm packages unless they are as new as the lock file. */
export function installPackages() {
  const mark = join(root, 'node_modules/.package-lock.json');
  if (existsSync(mark) && statSync(mark).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs) return;
  console.error('installing npm packages');
  run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** The tools of `scripts/release`, which are in no other install. */
export function installReleaseTools() {
  const folder = join(root, 'scripts/release');
  const mark = join(folder, 'node_modules/.package-lock.json');
  if (existsSync(mark) && statSync(mark).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs)
    return;
  run('npm', ['ci', '--silent', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder });
}

/**
 * Installs the Debian packages of the programs that are missing. Returns whether all are installed now. Without root or
 * apt it prints the command to type. Where apt fails it exits, unless the caller can do without.
 */
export function installPrograms(names = Object.keys(programs), { isOptional = false } = {}) {
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) return true;
  const packages = [...new Set(missing.flatMap((name) => (programs[name] ?? peers[name]).split(' ')))];
  const install = ['install', '-y', '--no-install-recommends'];
  if (process.getuid?.() !== 0 || !isInstalled('apt-get')) {
    const command = ['sudo', 'apt-get', ...install, ...packages].join(' ');
    console.error(`missing: ${missing.join(', ')}\nto install them: ${command}`);
    return false;
  }
  console.error(`installing ${packages.join(', ')}`);
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
  };
  const apt = (args) => {
    const { status } = spawnSync('apt-get', args, options);
    if (status !== 0 && !isOptional) process.exit(status ?? 1);
    return status === 0;
  };
  if (!apt(['update', '-q'])) return false;
  const offered = packages.filter(isOffered);
  const isDone = offered.length === 0 || apt([...install, ...offered]);
  return isDone && offered.length === packages.length;
}

/** Not every release has clang 14, whose tests are skipped without it. */
function isOffered(name) {
  const { status } = spawnSync('apt-cache', ['show', '--no-all-versions', name], { stdio: 'ignore' });
  if (status !== 0) console.error(`this release has no package ${name}`);
  return status === 0;
}

/** A user's PATH may lack the folders of system programs. */
export function isInstalled(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(join(folder, name)));
}

/** Compiles the program and the tests as far as they changed. */
export function compile() {
  run('node', [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'src', 'test']);
  run('node', ['scripts/executable.mjs']);
}
