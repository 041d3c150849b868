import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { testNeeding } from '../../fixtures/needs.js';
import { isRunning, waitForEnd } from '../../fixtures/processes.js';

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
  // The kernel ends the guest with its parent from the moment at which setpriv has asked for that.
  while ((await readFile(`/proc/${pid}/comm`, 'utf8')) !== 'sleep\n') await delay(20);
  t.true(await isRunning(pid));
  child.kill('SIGKILL');
  await waitForEnd(pid);
  t.pass();
});
