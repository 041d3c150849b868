import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { testNeeding } from '../../fixtures/needs.js';

/** Starts something that runs as long as a guest that hangs, and says its id. */
const parent = `
const { startGuest } = await import(process.argv[1]);
const guest = startGuest(['sleep', '1000'], new AbortController().signal, { onConsole() {} });
console.log(guest.pid);
await guest.exited;
`;

testNeeding('setpriv')('a guest ends with a process that is killed', async (t) => {
  const url = new URL(import.meta.resolve('#src/verify/boot/machine/guest.js')).href;
  const child = spawn(process.execPath, ['--input-type=module', '-e', parent, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [pid] = await once(createInterface(child.stdout), 'line');
  t.true(await isRunning(pid));
  child.kill('SIGKILL');
  // The runner's own limit ends the wait for a guest that stays.
  while (await isRunning(pid)) await delay(20);
  t.pass();
});

/** What nobody has waited for yet has no command line any more. */
async function isRunning(pid: string): Promise<boolean> {
  const cmdline = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return cmdline !== '';
}
