import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { quoteWord, readScript } from '#src/io/process/script.js';
import { createService } from '#src/verify/boot/probe/probe.js';
import { createFolder } from '../../patch/support/patch-folder.js';

const nonce = 'cd'.repeat(16);

const runShell = (lines: readonly string[]): string =>
  execFileSync('sh', { input: lines.join('\n'), encoding: 'utf8' }).trim();

const read = (name: 'functions' | 'watcher'): string =>
  readScript(new URL(import.meta.resolve(`#src/verify/boot/probe/probe-${name}.sh`)));

test('the service reports the runlevel in which the boot is to end, and names another in which it rests', async (t) => {
  const tell = async (runlevel: string, softlevel: string, isStarting = false) => {
    const state = await createFolder(t, { softlevel });
    if (isStarting) await mkdir(join(state, 'rc.starting'));
    const script = [
      createService(nonce, [], { runlevel }),
      `exec 9>&1; probe_state='${state}' goal=`,
      'look_for_level',
      'echo "$goal"',
    ];
    return runShell(script);
  };
  const elsewhere = (level: string) => `moby-patch-verify ${nonce} elsewhere ${level} .`;
  t.is(await tell('default', 'default'), 'default runlevel');
  t.is(await tell('default', 'default', true), '');
  t.is(await tell('nonetwork', 'nonetwork\n'), 'runlevel nonetwork');
  t.is(await tell('default', 'nonetwork'), elsewhere('nonetwork'));
  t.is(await tell('default', 'boot'), '', 'it is on its way');
  t.is(await tell('boot', 'boot'), 'runlevel boot');
});

test('the watcher tells that systemd waits for a person, unless the command line asks for that', (t) => {
  const [functions = ''] = read('watcher').split('\nprobe_depth=');
  const tell = (rescue: string, target: string, failed: string) =>
    runShell([
      `probe_marker='moby-patch-verify ${nonce}' probe_checks= probe_rescue='${rescue}'`,
      `probe_functions=${quoteWord(read('functions'))}`,
      functions,
      `systemctl() { case $1 in is-active) [ "$2" = ${target}.target ] && echo active || echo inactive ;; list-units) echo '${failed}' ;; show) echo Result=exit-code; echo ExecMainStatus=32 ;; esac; }`,
      'exec 9>&1; system=systemd goal=; judge_maintenance; echo "$goal"',
    ]);
  const line = (text: string) => `moby-patch-verify ${nonce} maintenance ${text} .`;
  t.is(tell('', 'emergency', 'data.mount loaded failed failed'), line('emergency data.mount (exit-code 32)'));
  t.is(tell('', 'rescue', ''), line('rescue '));
  t.is(tell('rescue', 'rescue', ''), 'default target');
  t.is(tell('rescue', 'emergency', ''), line('emergency '), 'it came to something worse');
});
