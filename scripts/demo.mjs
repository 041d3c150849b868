// `npm run demo`: the whole job on real input. It builds the reference image, patches it to mount a real NFS share
// before Docker starts, boots the result, and has the guest read a fresh nonce through the share.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDaemon } from './daemon.mjs';
import { compile, installPackages, installPrograms, root } from './install.mjs';

const folder = join(root, 'build/demo');

if (process.getuid?.() !== 0) {
  console.error('the demo needs root to build a Debian system; type: sudo npm run demo');
  process.exit(5);
}
if (
  !installPrograms([
    'qemu-system-x86_64',
    'debootstrap',
    'depmod',
    'ip',
    'rpcbind',
    'ganesha.nfsd',
    'dockerd',
    'iptables',
    'slirp4netns',
  ])
)
  process.exit(5);
installPackages();
compile();

process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
const { startNfsServer } = await import('../build/test/fixtures/nfs-server.js');

const stops = [];
let status = 1;
try {
  mkdirSync(folder, { recursive: true });
  const daemon = await openDaemon();
  stops.push(daemon);
  const { environment, missing } = daemon;
  if (missing !== undefined) console.error(`${missing}: the local engine is used`);
  const server = await startNfsServer();
  stops.push(server);
  const nonce = randomUUID();
  writeFileSync(join(server.folder, 'nonce'), nonce);
  const options = `noacl,noatime,nolock,async,actimeo=2,vers=3,port=${server.port},mountport=${server.mountPort},mountproto=tcp`;
  status = await runCli(environment, [
    'build',
    ...['--image', 'reference', '--patch', 'nfs', '--output', join(folder, 'initrd.img')],
    ...['--set', 'server=10.0.2.2', '--set', `share=${server.share}`, '--set', `options=${options}`],
    ...['--network', 'host', '--expect-file', `/Users/nonce=${nonce}`],
    ...['--expect', 'docker: started at [0-9.]+; mounts: .*/Users'],
    ...['html', 'md', 'json'].flatMap((form) => ['--report', join(folder, `report.${form}`)]),
  ]);
  if (status === 0) {
    console.log(`\nThe guest read the nonce ${nonce} from the NFS share of this machine.`);
    console.log(`Everything is in ${folder}:`);
    console.log('  initrd.img                the patched image');
    console.log('  initrd.img.manifest.json  its origin: hashes, patches, packages, verdict');
    console.log('  initrd.img.console.log    what the guest printed');
    console.log(
      '  report.html               what was done, what differs from the stock image, and the boot: open it',
    );
    console.log('  report.md, report.json    the same for a review, and for programs');
  }
} finally {
  for (const stop of stops.reverse()) await stop[Symbol.asyncDispose]();
}
process.exitCode = status;

function runCli(environment, args) {
  const child = spawn('node', [join(root, 'dist/cli.js'), ...args], {
    // The project of the checkout has a moby-patch.yaml of its own, which says nothing about this build.
    cwd: folder,
    stdio: 'inherit',
    env: environment,
  });
  // A terminal sends Ctrl-C to this process too, which must outlive the build that cleans up.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
