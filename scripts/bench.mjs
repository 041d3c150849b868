// `npm run bench`: installs the contenders, compiles, measures; bench/README.md has its options.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openDaemon } from './daemon.mjs';
import { compile, installPackages, installPrograms, root, run } from './install.mjs';

const args = process.argv.slice(2);

installPackages();
// Rows whose programs stay missing are in the results with the reason.
installPrograms(
  [
    ...['pigz', 'libdeflate-gzip', 'lsinitramfs', 'time', 'bsdtar', 'cpio', 'zstd', 'xz', 'xorriso'],
    ...['objcopy', '../lib/systemd/boot/efi/linuxx64.efi.stub', 'mksquashfs', 'sqfs2tar', 'mkfs.erofs'],
    ...['debootstrap', 'depmod', 'qemu-system-x86_64'],
    ...['dockerd', 'docker', 'iptables', 'slirp4netns'],
  ],
  { isOptional: true },
);
compile();
run('node', [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'bench']);

process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
const daemon = needsDocker() ? await openDaemon() : undefined;
try {
  const environment = { ...(daemon?.environment ?? process.env) };
  if (daemon?.missing !== undefined) environment.NO_DOCKER = daemon.missing;
  const bench = spawn('node', ['build/bench/bench.js', ...args], {
    cwd: root,
    stdio: 'inherit',
    env: environment,
  });
  // A terminal sends Ctrl-C to this process too, which must outlive the bench that cleans up.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => bench.kill(signal));
  const [code] = await once(bench, 'exit');
  process.exitCode = code ?? 1;
} finally {
  await daemon?.[Symbol.asyncDispose]();
}

/** A daemon takes seconds to start and stop: not for rows without containers. */
function needsDocker() {
  const at = args.findIndex((each) => each.startsWith('--only'));
  if (args.includes('--growth')) return false;
  return at === -1 || `${args[at]},${args[at + 1]}`.includes('docker');
}
