// node boot-until.js KERNEL INITRD MEMORY CMDLINE REGEX: boots with QEMU until a line of the console matches, and ends it.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const [kernel = '', initrd = '', memory = '', cmdline = '', regex = ''] = process.argv.slice(2);
const machine = ['-machine', 'pc,accel=tcg', '-smp', '1', '-m', memory, '-no-reboot'];
const nothing = ['-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio'];
// The devices of a verified guest: its kernel finds them, and its services ask for an address.
const backends = [
  '-netdev',
  'user,id=network,restrict=on',
  '-object',
  'rng-random,id=random,filename=/dev/urandom',
];
const devices = ['-device', 'virtio-net-pci,netdev=network,romfile=', '-device', 'virtio-rng-pci,rng=random'];
const boot = ['-kernel', kernel, '-initrd', initrd, '-append', cmdline];

const qemu = spawn('qemu-system-x86_64', [...machine, ...nothing, ...backends, ...devices, ...boot], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const wanted = new RegExp(regex);
const tail: string[] = [];
let isFound = false;
for await (const line of createInterface(qemu.stdout)) {
  tail.push(line);
  if (tail.length > 20) tail.shift();
  if (!wanted.test(line)) continue;
  isFound = true;
  break;
}
qemu.kill();
if (!isFound) {
  console.error(`no line of the console matches ${regex}:\n${tail.join('\n')}`);
  process.exitCode = 1;
}
