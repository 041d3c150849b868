import { execFileSync } from 'node:child_process';
import test from 'ava';
import type { Expectation } from '#src/model/result/expectation.js';
import { type Marker, parseMarker } from '#src/verify/boot/probe/marker.js';
import { createService } from '#src/verify/boot/probe/probe.js';
import { createFolder } from '../../patch/support/patch-folder.js';

const nonce = 'cd'.repeat(16);

interface Guest {
  readonly system: 'openrc' | 'systemd';
  readonly state: string;
  readonly before: readonly string[];
}

/** What the service of a guest reports in so many looks. */
function listMarkers(expects: readonly Expectation[], { system, state, before }: Guest, looks = 3): Marker[] {
  const script = [
    // Another test of the same process may have changed it.
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    createService(nonce, expects),
    `exec 9>&1; system=${system} probe_state='${state}'`,
    ...before,
    'eval "set -- $probe_checks"',
    ...Array(looks).fill('report init "$@"'),
  ];
  const output = execFileSync('/bin/sh', { input: script.join('\n'), encoding: 'utf8' });
  const markers = output.split('\n').flatMap((line) => parseMarker(line, nonce) ?? []);
  // Process 1 of this machine is no guest's: what it writes to does not matter here.
  return markers.filter((marker) => marker.kind !== 'warning' || !marker.text.startsWith('process 1 '));
}

test('the daemon of a step that has ended counts as failed, that of a vendor is a note, and one that forks or becomes another program lives', async (t) => {
  const record = (program: string, file: string) => `exec=${program}\nargv_0=x\npidfile=${file}\n`;
  const names = ['own', 'vendor', 'forks', 'becomes', 'known', 'task', 'script'];
  const folder = await createFolder(t, {
    ...Object.fromEntries(names.map((name) => [`started/${name}.x`, ''])),
    ...Object.fromEntries(
      ['own', 'vendor', 'forks', 'becomes', 'known'].map((name) => [
        `daemons/${name}/001`,
        record(`/bin/${name}`, '/none.pid'),
      ]),
    ),
    // What has no file of a number may be a task.
    'daemons/task/001': record('/bin/task', ''),
    'rc-service': '#!/bin/sh\nexit 1\n',
    'options/script/pidfile': '/none.pid\n',
    'options/script/start_count': '7',
  });
  const before = [
    ...names.map((name) => `ln -sf x "$probe_state/started/${name}"`),
    `probe_daemons="own known"; chmod 755 ${folder}/rc-service; PATH=${folder}:$PATH`,
    'RC_SVCNAME=forks sleep 60 >/dev/null 2>&1 & first=$!',
    'OTHER="a\nb" RC_SVCNAME=becomes sleep 60 >/dev/null 2>&1 & trap "kill $first $!" EXIT',
  ];
  const expects: Expectation[] = [
    { 'no-failed-services': true, except: ['known'] },
    ...['own', 'forks', 'becomes', 'vendor', 'script', 'task'].map((service) => ({ service })),
  ];
  const told = listMarkers(expects, { system: 'openrc', state: folder, before });
  const checks = told.flatMap((marker) => (marker.kind === 'check' ? [marker] : [])).slice(-7);
  const over = 'its program has ended';
  t.deepEqual(
    checks.map(({ found }) => found),
    ['own (its program has ended)', over, 'started', 'started', over, over, 'crashed'],
  );
  const notes = told.flatMap((marker) => (marker.kind === 'warning' ? [marker.text] : []));
  t.deepEqual([...new Set(notes)].sort(), [
    'service script: its program ends again and again, and OpenRC starts it each time',
    'service script: its program has ended, which OpenRC calls no failure (--expect-service script refuses it)',
    'service vendor: its program has ended, which OpenRC calls no failure (--expect-service vendor refuses it)',
  ]);
});

test('a process of another service is none of this one, whatever the names of both', async (t) => {
  const folder = await createFolder(t, {
    ...Object.fromEntries(['nfs', 'nfsmount', 'script'].map((name) => [`started/${name}.x`, ''])),
    'daemons/nfs/001': 'exec=/bin/nfs\npidfile=/none.pid\n',
    'daemons/script/001': 'exec=/bin/odd-sleeper\npidfile=/none.pid\n',
  });
  const before = [
    ...['nfs', 'nfsmount', 'script'].map((name) => `ln -s x "$probe_state/started/${name}"`),
    'probe_daemons="nfs script"',
    'cp "$(command -v sleep)" "$probe_state/odd-sleeper"',
    'RC_SVCNAME=nfsmount "$probe_state/odd-sleeper" 60 >/dev/null 2>&1 & trap "kill $!" EXIT',
  ];
  const told = listMarkers([{ 'no-failed-services': true }], { system: 'openrc', state: folder, before });
  const found = 'nfs (its program has ended), script (its program has ended)';
  t.deepEqual(told.at(-1), { kind: 'check', index: 0, ok: false, found });
});

test('a program that supervise-daemon has started again has to live for six looks', async (t) => {
  const names = ['steady', 'again', 'gone'];
  const folder = await createFolder(t, {
    ...Object.fromEntries(names.map((name) => [`started/${name}.x`, ''])),
    'options/steady/start_count': '0\n',
    'options/again/start_count': '4\n',
    'options/gone/start_count': '9\n',
    'options/gone/child_pid': '999999999\n',
  });
  const before = [
    ...names.map((name) => `ln -sf x "$probe_state/started/${name}"`),
    'sleep 60 >/dev/null 2>&1 & child=$!; trap "kill $child" EXIT',
    'for each in steady again; do echo $child >"$probe_state/options/$each/child_pid"; done',
  ];
  const guest = { system: 'openrc', state: folder, before } as const;
  const expects = ['steady', 'again', 'gone'].map((service) => ({ service }));
  const told = listMarkers(expects, guest, 6);
  const found = (index: number) =>
    told.flatMap((marker) => (marker.kind === 'check' && marker.index === index ? [marker.found] : []));
  t.regex(found(0).join(), /^(started, process (\d+))(,\1){5}$/);
  t.regex(found(1).join(), /^(started again 4 times,){5}started, process \d+$/);
  t.deepEqual(new Set(found(2)), new Set(['its program has ended, started again 9 times']));
});

test('with systemd, what ends well and is started again does its work, and what ends badly, or is to stay, has failed', (t) => {
  const before = [
    'probe_daemons="agent other"',
    `systemctl() { case "$*" in list-units*) printf '%s\\n' 'a.service loaded failed failed A' 'b.service loaded activating auto-restart B' 'c.service loaded activating auto-restart C' ;; *Monotonic\\ agent) printf 'ActiveState=inactive\\nExecMainExitTimestampMonotonic=5\\n' ;; *Monotonic*) printf 'ActiveState=inactive\\nExecMainExitTimestampMonotonic=0\\n' ;; *\\ b.service | *\\ agent.service) echo Result=success ;; show*) echo Result=exit-code; case "$*" in *Status*) echo ExecMainStatus=3 ;; esac ;; esac; }`,
  ];
  const reported = listMarkers([{ 'no-failed-services': true }], { system: 'systemd', state: '', before });
  const found = 'a.service (exit-code 3), c.service (exit-code 3), agent.service (its program has ended)';
  t.deepEqual(reported.at(-1), { kind: 'check', index: 0, ok: false, found });
});

test('with systemd, what has failed and runs again has to stay for some seconds', (t) => {
  const show = (name: string, count: number, since: string) =>
    `Id=${name}.service\\nNRestarts=${count}\\nExecMainStartTimestampMonotonic=${since}\\n`;
  const units = [
    show('crashes', 3, '$((up - 1))000000'),
    show('stays', 3, '$((up - 9))000000'),
    show('works', 3, '$((up))000000'),
    show('usual', 0, '$((up))000000'),
  ].join('\\n');
  const names = ['crashes', 'stays', 'works', 'usual'];
  const running = names.map((name) => `'${name}.service loaded active running X'`).join(' ');
  const before = [
    'IFS=". " read -r up _ </proc/uptime',
    `systemctl() { case "$*" in *--state=running*) printf '%s\\n' ${running} ;; list-units*) ;; *Timestamp*) printf "${units}" ;; *SubState*crashes.service) printf 'Result=success\\nSubState=running\\nNRestarts=3\\n' ;; esac; }`,
    `journalctl() { case "$*" in *UNIT=works.service) ;; *) echo "Failed with result 'exit-code'." ;; esac; }`,
  ];
  const reported = listMarkers([{ 'no-failed-services': true }], { system: 'systemd', state: '', before });
  const found = 'crashes.service (failed, and was started again 3 times)';
  t.deepEqual(reported.at(-1), { kind: 'check', index: 0, ok: false, found });
});
