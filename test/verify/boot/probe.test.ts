import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { encodeBootconfig } from '#src/format/bootconfig/bootconfig-trailer.js';
import { headerSize, parseHeader } from '#src/format/cpio/cpio-header.js';
import type { Expectation } from '#src/model/result/expectation.js';
import { type Marker, parseMarker } from '#src/verify/boot/probe/marker.js';
import { createProbe, createService, createWrapper } from '#src/verify/boot/probe/probe.js';
import { writeProbedImage } from '#src/verify/boot/probe/probed-image.js';
import { declareTest, findMissingProgram } from '../../fixtures/needs.js';
import { createFolder } from '../../patch/support/patch-folder.js';

const nonce = 'cd'.repeat(16);
const expects: Expectation[] = [
  { console: 'x' },
  { file: "etc/it's" },
  { file: '/etc/b', content: "a'b\n$(reboot)\\n\n" },
];

/** Names, types and bodies of an archive whose records are few. */
function listArchive(archive: Uint8Array): string[] {
  const names: string[] = [];
  for (let at = 0; at < archive.length; ) {
    const header = parseHeader(archive.subarray(at, at + headerSize));
    if (typeof header === 'string') throw new Error(header);
    const name = Buffer.from(
      archive.subarray(at + headerSize, at + headerSize + header.namesize - 1),
    ).toString();
    names.push(`${(header.mode & 0o170000).toString(8)} ${name}`);
    at += Math.ceil((headerSize + header.namesize) / 4) * 4;
    at += Math.ceil(header.filesize / 4) * 4;
  }
  return names;
}

function runShell(script: string, shell: readonly [string, ...string[]] = ['sh']): string {
  const [program, ...argv] = shell;
  // Process 1 of this machine is no guest's: what it writes to does not matter here.
  return execFileSync(program, argv, { input: script, encoding: 'utf8' }).replace(
    /^.* warning process 1 .*\n/m,
    '',
  );
}

interface Guest {
  readonly system: 'openrc' | 'own' | 'systemd';
  /** Where the service keeps what it knows. */
  readonly state: string;
  /** What its shell runs before the first report. */
  readonly before?: readonly string[];
  readonly reports?: number;
}

type CheckMarker = Extract<Marker, { readonly kind: 'check' }>;

/** The checks that the service of a guest reports. */
function listReported(
  expects: readonly Expectation[],
  { system, state, before = [], reports = 1 }: Guest,
): CheckMarker[] {
  const script = [
    createService(nonce, expects),
    `exec 9>&1; system=${system} probe_state='${state}'`,
    ...before,
    'eval "set -- $probe_checks"',
    ...Array(reports).fill('report init "$@"'),
  ];
  const lines = runShell(script.join('\n')).trimEnd().split('\n');
  return lines.flatMap((line) => {
    const marker = parseMarker(line, nonce);
    return marker?.kind === 'check' ? [marker] : [];
  });
}

/** What is told before a look that may last. */
function isBegun(marker: Marker | undefined): boolean {
  return marker?.kind === 'check' && marker.found === 'no answer';
}

test('the segment has no record of a directory, since a record would change the mode', (t) => {
  const request = { nonce, expects, firstProgram: '/init' };
  t.deepEqual(listArchive(createProbe({ ...request, init: 'openrc' }).segment), [
    '100000 etc/init.d/moby-patch-verify',
    '120000 etc/runlevels/default/moby-patch-verify',
    '20000 moby-patch-verify.port',
    '0 TRAILER!!!',
  ]);
  const runlevels = { wanted: 'single', first: 'sysinit', ends: ['default', 'single'] };
  t.deepEqual(listArchive(createProbe({ ...request, init: 'openrc', runlevels }).segment).slice(1, 5), [
    '120000 etc/runlevels/default/moby-patch-verify',
    '120000 etc/runlevels/single/moby-patch-verify',
    '100000 etc/init.d/moby-patch-verify.early',
    '120000 etc/runlevels/sysinit/moby-patch-verify.early',
  ]);
  const other = createProbe({ ...request, init: 'other' });
  t.deepEqual(listArchive(other.segment), [
    '100000 moby-patch-verify',
    '20000 moby-patch-verify.port',
    '0 TRAILER!!!',
  ]);
  t.deepEqual(other.words, ['rdinit=/moby-patch-verify']);
  t.deepEqual(
    listArchive(createProbe({ ...request, init: 'other', lacksPort: true }).segment),
    ['100000 moby-patch-verify', '0 TRAILER!!!'],
    'without a port there is no device, which a kernel might open all the same',
  );
  t.deepEqual(createProbe({ ...request, init: 'none' }), { segment: new Uint8Array(), words: [] });
});

test('the probes report every expectation, whatever its characters', async (t) => {
  const wanted = "a'b\n$(reboot)\\n\n";
  const folder = await createFolder(t, {
    "it's": '',
    same: wanted,
    short: wanted.slice(0, -1),
    other: 'first \nsecond\n',
  });
  const files: Expectation[] = [
    { console: 'x' },
    ...["it's", 'none'].map((name) => ({ file: join(folder, name) })),
    ...['same', 'short', 'other', 'none'].map((name) => ({ file: join(folder, name), content: wanted })),
    { file: folder, content: '' },
  ];
  const check = (index: number, ok: boolean, found: string) => ({ kind: 'check', index, ok, found });
  const service = createService(nonce, files);
  const [variables = ''] = createWrapper(nonce, files, '/init').split('\n# A first program');
  t.notThrows(() => runShell(`${variables}\nprintf %s "$probe_watcher" | sh -n`));
  for (const script of [service, `${variables}\neval "$probe_functions"`]) {
    const output = runShell(`${script}\nexec 9>&1\neval "set -- $probe_checks"\nreport init "$@"`);
    t.deepEqual(
      output
        .trimEnd()
        .split('\n')
        .map((line) => parseMarker(line, nonce))
        .filter((marker) => !isBegun(marker)),
      [
        { kind: 'reached', what: 'init' },
        check(1, true, ''),
        check(2, false, 'nothing at this path'),
        check(3, true, ''),
        check(4, false, 'other content, which starts with "a\'b"'),
        check(5, false, 'other content, which starts with "first "'),
        check(6, false, 'nothing at this path'),
        check(7, false, 'no regular file'),
      ],
    );
  }
});

test('a service that failed counts, whatever OpenRC forgets at the end of the runlevel, unless it was started again', async (t) => {
  const folder = await createFolder(t, { init: '' });
  const expects: Expectation[] = [{ 'no-failed-services': true, except: ['known'] }];
  const mark = (state: string, name: string) => `ln -s x "$probe_state/${state}/${name}"`;
  const before = [
    'mkdir "$probe_state/failed" "$probe_state/started"',
    ...['bad', 'again', 'known'].map((name) => mark('failed', name)),
    'note_failed',
    'rm "$probe_state"/failed/*',
    mark('started', 'again'),
    `printf '%s\\n' first again >"$probe_state/$probe_kept"`,
  ];
  const reported = listReported(expects, { system: 'openrc', state: folder, before });
  t.deepEqual(reported, [{ kind: 'check', index: 0, ok: false, found: 'bad, first' }]);
});

test('the service looks often for the end of the runlevel, then once a second', async (t) => {
  const listNaps = async (gone: number, sleep: string) => {
    const folder = await createFolder(t, { naps: '', softlevel: 'default' });
    await mkdir(join(folder, 'rc.starting'));
    const script = [
      createService(nonce, []),
      `RC_SVCDIR='${folder}' naps='${folder}/naps' calls=0 probe_port=dev/null`,
      `sleep() { echo "$1" >>"$naps"; calls=$((calls + 1)); [ $calls -lt ${gone} ] || rmdir "$RC_SVCDIR/rc.starting"; ${sleep}; }`,
      'report() { exit 0; }',
      'watch',
    ];
    execFileSync('sh', ['-c', script.join('\n')]);
    return (await readFile(join(folder, 'naps'), 'utf8')).trimEnd().split('\n');
  };
  t.deepEqual(await listNaps(2, ':'), ['0.1', '0.1']);
  t.deepEqual(await listNaps(22, ':'), [...Array(19).fill('0.1'), '1', '1', '1']);
  const whole = 'case $1 in *.*) return 1 ;; esac';
  t.deepEqual(await listNaps(4, whole), ['0.1', '1', '0.1', '1'], 'a sleep that knows no fractions');
});

test('a path among the services that may fail stands for the units of systemd that mount it', async (t) => {
  const folder = await createFolder(t, { init: '' });
  const systemctl =
    "systemctl() { echo 'srv-my\\x2ddata.mount loaded failed failed'; echo 'bad.service loaded failed failed'; }";
  const allowed: Expectation = { 'no-failed-services': true, except: ['/srv/my-data'] };
  const reported = listReported([allowed], { system: 'systemd', state: folder, before: [systemctl] });
  t.deepEqual(reported, [{ kind: 'check', index: 0, ok: false, found: 'bad.service' }]);
});

test('a unit of systemd is told from the same one after a crash, and OpenRC is asked for its state', async (t) => {
  const state = await createFolder(t, { init: '' });
  const systemctl =
    'systemctl() { case $1 in is-active) echo active ;; *) printf "MainPID=%s\\nNRestarts=2\\n" $main ;; esac; }';
  const look = (system: Guest['system'], before: string[]) =>
    listReported([{ service: 'sshd' }], { system, state, before }).map(({ ok, found }) => `${ok} ${found}`);
  t.deepEqual(look('systemd', ['main=7', systemctl]), ['true active, process 7, started again 2 times']);
  t.deepEqual(look('systemd', ['main=0', systemctl]), ['true active, started again 2 times']);
  t.deepEqual(look('systemd', ['systemctl() { :; }']), ['false unknown']);
  // A shell takes no function of this name.
  const status = (code: number) =>
    `PATH=${state}:$PATH; printf '#!/bin/sh\\nexit ${code}\\n' >${state}/rc-service; chmod 755 ${state}/rc-service`;
  const mark = 'mkdir -p "$probe_state/started"; ln -sf x "$probe_state/started/sshd"';
  t.deepEqual(look('openrc', [status(0)]), ['false not started']);
  t.deepEqual(look('openrc', [mark, status(0)]), ['true started']);
  t.deepEqual(look('openrc', [mark, status(3)]), ['false crashed']);
});

test('a look at a file is told before it lasts, and comes after what a shell knows by itself', (t) => {
  const expects = [{ command: 'true' }, { file: '/a' }, { 'no-failed-services': true }, { mount: '/a' }];
  // In the place of a share whose server is gone.
  const before = ['exists() { begin "$1" "no answer"; exit; }'];
  const checks = listReported(expects, { system: 'own', state: '/none', before });
  t.deepEqual(
    checks.map(({ index, found }) => `${index} ${found}`),
    ['2 nothing keeps a list of them', '3 nothing is mounted there', '1 no answer'],
  );
});

test('a command that fails runs five times, one with a time of its own until it holds', async (t) => {
  const folder = await createFolder(t, { init: '' });
  const count = (name: string) => `echo x >>'${folder}/${name}'; [ $(wc -l <'${folder}/${name}') -ge 8 ]`;
  const commands = [{ command: count('short') }, { command: count('long'), within: 60 }];
  const checks = listReported(commands, { system: 'own', state: folder, reports: 12 });
  const of = (wanted: number) => checks.flatMap(({ index, ok }) => (index === wanted ? [ok] : []));
  // The first says that the command has not ended.
  t.deepEqual(of(0), Array(6).fill(false));
  t.deepEqual(of(1), [...Array(8).fill(false), true]);
});

declareTest(
  findMissingProgram('bash', 'busybox'),
  'any text of a file or a command arrives, in each shell',
  async (t) => {
    const long = `${'x'.repeat(70_000)} end`;
    const folder = await createFolder(t, {
      issue: 'Debian GNU/Linux 12 \\n \\l\\c\n',
      hole: 'text\n\0\0\0',
      long,
      reply: 'HTTP/1.1 200 OK\r\nServer: x\r\n\r\n10%\r20%\rdone \n',
    });
    const of = (name: string) => join(folder, name);
    const files = [
      ...['issue', 'hole', 'long'].map((name) => ({ file: of(name), content: 'text\n' })),
      { file: of('issue'), content: 'Debian GNU/Linux 12 \\n \\l\\c' },
    ];
    const commands = ['issue', 'long', 'reply'].map((name) => ({ command: `cat '${of(name)}'` }));
    const script = `${createService(nonce, [...files, ...commands])}\nexec 9>&1; system=own\neval "set -- $probe_checks"\nreport init "$@"`;
    for (const shell of [['sh'], ['bash', '--posix'], ['busybox', 'sh']] as const) {
      const markers = runShell(script, shell)
        .trimEnd()
        .split('\n')
        .map((line) => parseMarker(line, nonce))
        .filter((marker) => !isBegun(marker));
      const checks = markers.flatMap((each) =>
        each?.kind === 'check' && each.index < 4 ? [each.found] : [],
      );
      t.deepEqual(
        checks,
        [
          'other content, which starts with "Debian GNU/Linux 12 \\n \\l\\c"',
          'this text, and 3 zero bytes in it',
          `other content, which starts with "${'x'.repeat(1000)}"`,
          'this text and a line end, which has to be in the text too',
        ],
        shell[0],
      );
      const lines = [4, 5, 6].map((index) =>
        markers.flatMap((each) => (each?.kind === 'output' && each.index === index ? [each.line] : [])),
      );
      t.deepEqual(lines[0], ['Debian GNU/Linux 12 \\n \\l\\c'], shell[0]);
      t.deepEqual(lines[1], [long.slice(0, 60_000)]);
      t.deepEqual(lines[2], ['HTTP/1.1 200 OK', 'Server: x', '10%', '20%', 'done ']);
    }
  },
);

declareTest(
  findMissingProgram('bash'),
  'a process that has ended and waits for its parent does not run',
  async (t) => {
    const folder = await createFolder(t, { init: '' });
    const look = (name: string, before: string) =>
      listReported([{ service: name }], { system: 'own', state: folder, before: [before] }).map(
        ({ ok }) => ok,
      );
    // A parent that does not wait for its child.
    const zombie = `bash -c 'cp "$(type -P true)" ${folder}/ended; ${folder}/ended & exec sleep 60' >/dev/null & parent=$!
trap 'kill $parent' EXIT
turns=0
until grep -q '(ended) Z' /proc/[0-9]*/stat 2>/dev/null || [ $turns -gt 100 ]; do turns=$((turns + 1)); sleep 0.1; done
grep -q '(ended) Z' /proc/[0-9]*/stat 2>/dev/null || exit 1`;
    t.deepEqual(look('ended', zombie), [false]);
  },
);

test('a content that a shell cannot hold is refused before the boot', (t) => {
  const create = (content: string) => () => createService(nonce, [{ file: 'a', content }]);
  t.throws(create('a\0b'), { message: /binary/ });
  t.throws(create('x'.repeat(33 * 1024)), { message: /32 KiB/ });
  t.throws(
    () => createWrapper(nonce, Array(4).fill({ file: 'a', content: 'x'.repeat(32 * 1024) }), '/init'),
    {
      message: /100 KiB/,
    },
  );
});

for (const size of [0, 1, 2, 3, 4]) {
  test(`after ${size} bytes come at least four zeros, and the segment starts at a multiple of four`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'probe-test-'));
    try {
      const image = join(folder, 'image');
      await writeFile(image, Buffer.alloc(size, 1));
      await writeProbedImage({ image, segment: Buffer.from('0707'), path: join(folder, 'probed') });
      const probed = await readFile(join(folder, 'probed'));
      const at = probed.indexOf('0707');
      t.is(at % 4, 0);
      t.true(at - size >= 4 && at - size < 8);
      t.deepEqual(probed.subarray(size, at), Buffer.alloc(at - size));
      t.is(probed.length, at + 4);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

test('the segment stands in front of a boot configuration, which stays at the very end', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'probe-test-'));
  try {
    for (const size of [5, 8]) {
      const image = join(folder, 'image');
      const path = join(folder, `probed${size}`);
      const trailer = encodeBootconfig('kernel.panic = 1\n', size);
      await writeFile(image, Buffer.concat([Buffer.alloc(size, 1), trailer, Buffer.from('ab')]));
      await writeProbedImage({ image, segment: Buffer.from('0707??'), path });
      const probed = await readFile(path);
      t.is(probed.indexOf('0707??') % 4, 0);
      t.true(probed.subarray(-trailer.length - 2).equals(Buffer.concat([trailer, Buffer.from('ab')])));
      t.is(probed.indexOf('#BOOTCONFIG'), probed.length - 14);
      t.is(probed.length % 4, 2);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
