import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { createMountScript } from '#src/patch/system/mount-service.js';
import { createFolder } from './patch-folder.js';

interface Ran {
  readonly code: number;
  readonly output: string;
  readonly seconds: number;
  /** What mount was called with, a line each. */
  readonly calls: string;
  readonly folder: string;
}

const tools = (mount: string) => ({
  // Stands in for OpenRC's: is there a mark that something is mounted?
  mountinfo: '#!/bin/sh\n[ -e "$FOLDER/mounted" ]\n',
  mount: `#!/bin/sh\necho "$@" >>"$FOLDER/calls"\n${mount}\n`,
  umount: '#!/bin/sh\nrm "$FOLDER/mounted"\n',
  ebegin: '#!/bin/sh\n',
  eend: '#!/bin/sh\nexit "$1"\n',
});

/** Runs functions of the init script with stand-ins for mount and for OpenRC's programs. */
async function run(t: ExecutionContext, commands: string, mount: string, timeout = 4): Promise<Ran> {
  const folder = await createFolder(t, { ...tools(mount), calls: '' });
  for (const name of Object.keys(tools(''))) await chmod(join(folder, name), 0o755);
  const script = createMountScript({
    source: "h:/it's",
    target: join(folder, 'target'),
    options: 'retry=0',
    needs: ['rpcbind'],
    before: ['docker'],
    timeout,
    attempt: 2,
  });
  const path = join(folder, 'share');
  await writeFile(path, `${script.replace('/run/$RC_SVCNAME', join(folder, 'state'))}\n${commands}\n`);
  const begun = performance.now();
  const child = spawn('sh', [path], {
    env: { PATH: `${folder}:${process.env.PATH}`, FOLDER: folder, RC_SVCNAME: 'share' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  const seconds = (performance.now() - begun) / 1000;
  return { code, output: out + err, seconds, calls: await readFile(join(folder, 'calls'), 'utf8'), folder };
}

/** A killed process whose parent is gone may stay a zombie where nobody collects it. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat !== undefined && !/\) [ZX] /.test(stat);
}

const linux = process.platform === 'linux' ? test : test.skip;

linux('mounts at once, and only what is not mounted', async (t) => {
  const once = await run(t, 'start && start', 'touch "$FOLDER/mounted"', 30);
  t.is(once.output, `share: mounted h:/it's on ${once.folder}/target\n`.repeat(2));
  t.is(once.calls, `-o retry=0 ${once.folder}/target\n`);
  t.is(once.code, 0);
});

linux('tries again after a failure', async (t) => {
  const second =
    '[ $(wc -l <"$FOLDER/calls") -ge 2 ] || { echo refused >&2; exit 32; }; touch "$FOLDER/mounted"';
  const { output, calls } = await run(t, 'start', second, 30);
  t.regex(output, /^share: mounted/);
  t.is(calls.trim().split('\n').length, 2);
});

linux('gives up after its limit, with the last thing mount said', async (t) => {
  const { output, code, seconds } = await run(
    t,
    'start',
    'echo "mount.nfs: Connection refused" >&2; exit 32',
  );
  t.is(output, 'share: gave up after 4 s (mount.nfs: Connection refused); the boot goes on\n');
  t.is(code, 1);
  t.true(seconds >= 2 && seconds < 20, `${seconds} s`);
});

linux('an answer is not forgotten for a last attempt that had less time than one has', async (t) => {
  const late = 'now=$(cut -d. -f1 /proc/uptime); [ -e "$FOLDER/first" ] || echo $now >"$FOLDER/first"';
  const hang = '[ $((now - $(cat "$FOLDER/first"))) -lt 3 ] || sleep 30';
  const { output, code } = await run(t, 'start', `${late}\n${hang}\necho "access denied" >&2; exit 32`);
  t.is(output, 'share: gave up after 4 s (access denied); the boot goes on\n');
  t.is(code, 1);
});

linux('a mount that hangs is killed with its helpers', async (t) => {
  const hang = 'sleep 987654 & echo $! >>"$FOLDER/helpers"; wait';
  const { output, code, seconds, folder } = await run(t, 'start', hang);
  t.is(output, 'share: gave up after 4 s (no answer); the boot goes on\n');
  t.is(code, 1);
  t.true(seconds < 20, `${seconds} s`);
  const helpers = (await readFile(join(folder, 'helpers'), 'utf8')).trim().split('\n').map(Number);
  t.true(helpers.length >= 1);
  for (const helper of helpers) t.false(await isRunning(helper), `process ${helper} is still there`);
});

linux('stop unmounts, and has nothing to do otherwise', async (t) => {
  const { code, folder, output } = await run(t, 'start && stop && stop', 'touch "$FOLDER/mounted"', 30);
  t.is(code, 0);
  t.is(output, `share: mounted h:/it's on ${folder}/target\n`);
});
