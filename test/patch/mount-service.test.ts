import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { createMountScript } from '#src/patch/system/init/mount-script.js';
import { waitForEnd } from '../fixtures/processes.js';
import { createFolder } from './support/patch-folder.js';

interface Ran {
  readonly code: number;
  readonly output: string;
  /** What the clock of the script showed at the end; it begins at 100. */
  readonly uptime: number;
  /** The arguments of each call of mount, a line each. */
  readonly calls: string;
  readonly folder: string;
}

/**
 * Stands in for sleep, and is the clock: time passes only here, once the running mount has ended or hangs. A busy
 * machine changes nothing.
 */
const sleep = `#!/bin/sh
until [ -s "$FOLDER/state.exit" ] || [ -e "$FOLDER/hangs" ]; do /bin/sleep 0.01; done
case $1 in 0.1) tenths=1 ;; *) tenths=$(($1 * 10)) ;; esac
tenths=$(($(cat "$FOLDER/tenths") + tenths))
echo $tenths >"$FOLDER/tenths"
echo "$((tenths / 10)).$((tenths % 10))0 0.00" >"$FOLDER/uptime"
`;

const tools = (mount: string) => ({
  sleep,
  // Stands in for OpenRC's program: is there a mark that something is mounted?
  mountinfo: '#!/bin/sh\n[ -e "$FOLDER/mounted" ]\n',
  mount: `#!/bin/sh\necho "$@" >>"$FOLDER/calls"\n${mount}\n`,
  umount: '#!/bin/sh\nrm "$FOLDER/mounted"\n',
  ebegin: '#!/bin/sh\n',
  eend: '#!/bin/sh\nexit "$1"\n',
});

const succeed = 'touch "$FOLDER/mounted"';
const hang = 'touch "$FOLDER/hangs"; exec /bin/sleep 987654';

/** Runs functions of the init script with stand-ins for mount and for OpenRC's programs, for at most 4 s of its clock. */
async function run(t: ExecutionContext, commands: string, mount: string): Promise<Ran> {
  const folder = await createFolder(t, {
    ...tools(mount),
    calls: '',
    tenths: '1000\n',
    uptime: '100.00 0.00\n',
  });
  for (const name of Object.keys(tools(''))) await chmod(join(folder, name), 0o755);
  const definition = {
    name: 'share',
    runlevel: 'default',
    source: "h:/it's",
    target: join(folder, 'target'),
    type: 'nfs',
    options: 'nolock',
    needs: ['rpcbind'],
    after: [],
    before: ['docker'],
    timeout: 4,
    attempt: 2,
    automount: false,
  };
  const script = createMountScript(definition, 'openrc')
    .replace('/run/$RC_SVCNAME', join(folder, 'state'))
    .replace('/proc/uptime', join(folder, 'uptime'));
  await writeFile(join(folder, 'share'), `${script}\n${commands}\n`);
  const child = spawn('sh', [join(folder, 'share')], {
    env: { PATH: `${folder}:${process.env.PATH}`, FOLDER: folder, RC_SVCNAME: 'share' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  const uptime = Number.parseFloat(await readFile(join(folder, 'uptime'), 'utf8'));
  return { code, output: out + err, uptime, calls: await readFile(join(folder, 'calls'), 'utf8'), folder };
}

const linux = process.platform === 'linux' ? test : test.skip;

linux('start mounts at once, and only what is not mounted', async (t) => {
  const { output, calls, code, folder } = await run(t, 'start && start', succeed);
  t.is(output, `share: mounted h:/it's on ${folder}/target\n`.repeat(2));
  t.is(calls, `-o retry=0 ${folder}/target\n`);
  t.is(code, 0);
});

linux('start tries again after a failure', async (t) => {
  const second = `[ $(wc -l <"$FOLDER/calls") -ge 2 ] || { echo refused >&2; exit 32; }; ${succeed}`;
  const { output, calls } = await run(t, 'start', second);
  t.regex(output, /^share: mounted/);
  t.is(calls.trim().split('\n').length, 2);
});

linux('start gives up after its limit, with the last message of mount', async (t) => {
  const refused = 'echo "mount.nfs: Connection refused" >&2; exit 32';
  const { output, code, uptime } = await run(t, 'start', refused);
  t.is(output, 'share: gave up after 4 s (mount.nfs: Connection refused); the boot goes on\n');
  t.is(code, 1);
  t.true(uptime >= 104 && uptime < 106, `${uptime}`);
});

linux('the message of mount outlives a last attempt that had less time than the others', async (t) => {
  const late = `read -r now _ <"$FOLDER/uptime"; [ "\${now%%.*}" -lt 103 ] || { ${hang}; }`;
  const { output, code } = await run(t, 'start', `${late}\necho "access denied" >&2; exit 32`);
  t.is(output, 'share: gave up after 4 s (access denied); the boot goes on\n');
  t.is(code, 1);
});

linux('a mount that hangs is killed with its helpers', async (t) => {
  const helper = '/bin/sleep 987654 & echo $! >>"$FOLDER/helpers"';
  const { output, code, uptime, folder } = await run(t, 'start', `${helper}\n${hang}`);
  t.is(output, 'share: gave up after 4 s (no answer); the boot goes on\n');
  t.is(code, 1);
  t.true(uptime >= 104 && uptime < 106, `${uptime}`);
  const helpers = (await readFile(join(folder, 'helpers'), 'utf8')).trim().split('\n').map(Number);
  t.true(helpers.length >= 1);
  // A process ends some time after SIGKILL was sent to it.
  await Promise.all(helpers.map(waitForEnd));
});

linux('stop unmounts, and does nothing where nothing is mounted', async (t) => {
  const { code, folder, output } = await run(t, 'start && stop && stop', succeed);
  t.is(code, 0);
  t.is(output, `share: mounted h:/it's on ${folder}/target\n`);
});
