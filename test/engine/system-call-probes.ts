import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Entry } from '#src/model/image/entry.js';
import { sketchEntry } from '../fixtures/memory-archive.js';
import { findMissingProgram } from '../fixtures/missing.js';

/** Why system calls cannot be made by number here. */
export const noProbes =
  process.arch === 'x64' ? findMissingProgram('perl', 'ldd') : 'skipped: the numbers are those of x64';

/** This machine's perl with its libraries: it makes any system call by its number. */
export async function sketchPerl(): Promise<Entry[]> {
  const perl = '/usr/bin/perl';
  const listing = execFileSync('ldd', [perl], { encoding: 'utf8' });
  const files = [perl, ...[...listing.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path)];
  const folders = new Set(files.flatMap((file) => listParents(file.slice(1))));
  return [
    ...[...folders].map((path) => sketchEntry({ path, type: 'directory' })),
    ...(await Promise.all(
      files.map(async (file) =>
        sketchEntry({ path: file.slice(1), mode: 0o755, content: await readFile(file) }),
      ),
    )),
  ];
}

function listParents(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** Name -> number of linux/unistd.h for x86-64, and arguments: texts are Perl. */
export const refusedCalls: Readonly<Record<string, readonly [number, ...(number | string)[]]>> = {
  'a new user namespace (unshare)': [272, 0x10000000],
  'a new mount namespace (unshare)': [272, 0x20000],
  'a new user namespace (clone)': [56, 0x10000011, 0, 0, 0, 0],
  'setns of its own namespaces': [308, 0, 0],
  'add_key to the user keyring': [248, '"user"', '"k"', '"v"', 1, -4],
  request_key: [249, '"user"', '"k"', 0, -4],
  'keyctl: read the id of the session keyring': [250, 0, -3, 0],
  'keyctl: join a session keyring': [250, 1, 0],
  bpf: [321, 5, '"\\0" x 128', 128],
  perf_event_open: [298, '"\\0" x 128', 0, -1, -1, 0],
  userfaultfd: [323, 0],
  fanotify_init: [300, 0, 0],
  kexec_load: [246, 0, 0, 0, 0],
  kexec_file_load: [320, -1, -1, 0, 0, 0],
  init_module: [175, '"x"', 1, '""'],
  finit_module: [313, 0, '""', 0],
  delete_module: [176, '"x"', 0],
  open_by_handle_at: [304, -100, '"\\0" x 128', 0],
  mount: [165, '"none"', '"/root"', '"tmpfs"', 0, 0],
  umount2: [166, '"/proc"', 2],
  pivot_root: [155, '"/"', '"/"'],
  fsopen: [430, '"tmpfs"', 0],
  fsconfig: [431, -1, 0, 0, 0, 0],
  fsmount: [432, -1, 0, 0],
  fspick: [433, -100, '"/"', 0],
  open_tree: [428, -100, '"/"', 1],
  move_mount: [429, -100, '"/"', -100, '"/root"', 0],
  mount_setattr: [442, -100, '"/"', 0, '"\\0" x 32', 32],
  swapon: [167, '"/root"', 0],
  acct: [163, 0],
  clock_settime: [227, 0, '"\\0" x 16'],
  settimeofday: [164, '"\\0" x 16', 0],
  syslog: [103, 10, 0, 0],
  reboot: [169, 0, 0, 0, 0],
  iopl: [172, 3],
  sethostname: [170, '"x"', 1],
  quotactl: [179, 0, 0, 0, 0],
};

/** What Docker 20.10 lets through and the local engine does not. */
export const moreRefusedCalls: typeof refusedCalls = {
  'ptrace of itself by its parent': [101, 0, 0, 0, 0],
  process_vm_readv: [310, '$$', 0, 0, 0, 0, 0],
  io_uring_setup: [425, 1, '"\\0" x 128'],
  'a socket of AF_VSOCK': [41, 40, 1, 0],
  'a socket of AF_VSOCK behind a high bit': [41, '(1 << 32) + 40', 1, 0],
  'a socket of AF_ALG': [41, 38, 5, 0],
  memfd_secret: [447, 0],
  adjtimex: [159, '"\\0" x 256'],
};

/** A root with a shell and a Perl that runs `program` as /probe.pl. */
export async function sketchProbeRoot(root: readonly Entry[], program: string): Promise<Entry[]> {
  const more = [...(await sketchPerl()), sketchEntry({ path: 'probe.pl', content: program })];
  return [...new Map([...root, ...more].map((entry) => [entry.path, entry])).values()];
}

export const runProbe = ['/usr/bin/perl', '/probe.pl'] as const;

/** Forks until it cannot, and prints how many processes there were at once. */
export const forkProgram = `
  my @children;
  while (@children < 1000) {
    my $pid = fork();
    last unless defined $pid;
    if ($pid == 0) { sleep 1000; exit }
    push @children, $pid;
  }
  print scalar(@children) + 1, "\\n";
  kill 9, @children;
  wait for @children;
`;

/** Writes to 400 MB of memory. */
export const memoryProgram = `my @pieces; for (1 .. 400) { push @pieces, "x" x (1 << 20) } print "had it\\n";`;

/** Tries to open each of a number of services of the machine, and prints NAME: ERRNO or NAME: open. */
export function createConnectProgram(port: number, abstract: string): string {
  return `
    $| = 1;
    sub try {
      my ($name, $family, $address) = @_;
      socket(my $socket, $family, 1, 0) or return print "$name: ", $! + 0, "\\n";
      local $SIG{ALRM} = sub { die };
      alarm 3;
      my $open = eval { connect($socket, $address) };
      alarm 0;
      print "$name: ", ($open ? 'open' : $@ ? 'silent' : $! + 0), "\\n";
    }
    sub ip { pack('S n C4 x8', 2, ${port}, @_) }
    try('loopback', 2, ip(127, 0, 0, 1));
    try('gateway', 2, ip(10, 0, 2, 2));
    try('abstract', 1, pack('S a*', 1, "\\0${abstract}"));
  `;
}

/** A Perl program that prints `NAME: ERRNO` or `NAME: done` for each call. */
export function createProbeProgram(calls: typeof refusedCalls): string {
  const lines = Object.entries(calls).map(([name, [number, ...values]]) => {
    // A text that the kernel writes to must be a variable.
    const names = values.map((_, index) => `$a${index}`);
    const set = values.map((value, index) => `my $a${index} = ${value};`).join(' ');
    return `{ ${set} $! = 0; my $r = syscall(${[number, ...names].join(', ')}); print '${name}', ': ', ($r == -1 ? $! + 0 : 'done'), "\\n"; exit if $$ != $main; }`;
  });
  return ['$| = 1; my $main = $$;', ...lines].join('\n');
}
