import type { Attestation } from '../../../model/result/attestation.js';
import { type BootResult, type BootStage, bootStages } from '../../../model/result/boot.js';
import { kindOf, nameExpectation } from '../../../model/result/expectation.js';
import type { Init } from '../probe/detect-init.js';
import { explainHandOver, type HandOver } from './hand-over.js';
import type { Moment } from './moment.js';
import type { Observation } from './observation.js';

export interface StageTerms {
  readonly init: Init;
  readonly isPassed: boolean;
  /** From `wasUp`. */
  readonly isUp: boolean;
  /** What was found of it, where one was wanted. */
  readonly attestation?: Attestation | undefined;
  /** Whether the image has to go over to another root. */
  readonly handsOver?: boolean | undefined;
}

/**
 * The stages of a boot in their order. In a refused boot the first that was not reached is `failed`. Where all were reached, it is the last of
 * `bootStages`, which then has its seconds: it did not last.
 */
export function listStages(
  seen: Observation,
  { init, isPassed, isUp, attestation, handsOver = false }: StageTerms,
): BootStage[] {
  const { firmware, kernel, started } = seen.milestones();
  const fault = seen.fault();
  // A text of the kernel before the first program: the image was not unpacked, or not as a whole.
  const isUnpacked = started !== undefined && fault?.isEarly !== true;
  // A guest that is to end by itself need not be up before.
  const mayEnd = seen.expectations.wantsPoweroff() && !isUp;
  const stages = [
    createStage('firmware', firmware),
    createStage('kernel', kernel),
    createStage('unpacked', isUnpacked ? { at: started.at, line: 'without an error' } : undefined),
    createStage('init', isUnpacked && !hasNeverRun(seen) ? started : undefined),
    ...(attestation === undefined ? [] : [createAttestedStage(attestation)]),
    ...(handsOver && !(mayEnd && isUndecided(seen))
      ? [createStage('handed over', seen.handOver.done())]
      : []),
    ...(init === 'none' || mayEnd ? [] : [createStage('system', isUp ? findSystem(seen) : undefined)]),
    ...seen.expectations.results().map(({ expectation, met, found, seconds }): BootStage => {
      const name = kindOf(expectation) === 'poweroff' ? 'power-off' : nameExpectation(expectation);
      // The stage has its seconds already.
      const line = found.replace(/ \(after [\d.]+ s\)/, '');
      return { name, state: met ? 'reached' : 'not reached', seconds, line };
    }),
  ];
  const isOver = ({ state }: BootStage) => state !== 'reached';
  if (isPassed) return stages.filter((stage) => !isOver(stage));
  const last = stages.findLastIndex(({ name }) => own.has(name));
  const first = stages.some(isOver) ? stages.findIndex(isOver) : last;
  return stages.map((stage, index) => (index === first ? { ...stage, state: 'failed' } : stage));
}

const own: ReadonlySet<string> = new Set(bootStages);

function hasNeverRun(seen: Observation): boolean {
  const fault = seen.fault() ?? seen.suspicion();
  return fault?.rule.neverRan === true;
}

/** A guest that ends soon may not have been asked after it went over to its root. */
function isUndecided({ handOver }: Observation): boolean {
  return handOver.done() === undefined && handOver.stranded() === undefined;
}

function createStage(name: (typeof bootStages)[number], moment: Moment | undefined): BootStage {
  if (moment === undefined) return { name, state: 'not reached' };
  return { name, state: 'reached', seconds: moment.at, line: moment.line };
}

function createAttestedStage({ paths, seconds, differences: { length } }: Attestation): BootStage {
  const line =
    length === 0
      ? `${paths} paths are those of the image`
      : `${length} ${length === 1 ? 'difference' : 'differences'}`;
  return { name: 'attested', state: length === 0 ? 'reached' : 'not reached', seconds, line };
}

function findSystem(seen: Observation): Moment | undefined {
  const at = seen.reachedAt();
  return at === undefined ? undefined : { at, line: describeReached(seen) };
}

const systems: Readonly<Record<BootResult['reached'], string>> = {
  nothing: 'nothing',
  init: 'the first program runs',
  'default runlevel': "OpenRC's default runlevel",
  'default target': "systemd's default target",
  runlevel: "sysvinit's runlevel",
  inittab: "the scripts of busybox's inittab",
};

function describeReached(seen: Observation): string {
  const runlevel = seen.runlevel();
  return runlevel === undefined ? systems[seen.reached()] : `OpenRC's runlevel ${runlevel}`;
}

interface CauseTerms {
  readonly stages: readonly BootStage[];
  readonly tail: readonly string[];
  /** What the console says of a name. */
  readonly mentions: (name: string) => readonly string[];
  /** Of the programs of a guest that ended; else empty. */
  readonly lastWords?: readonly string[] | undefined;
  /** Of a guest that has to go over to another root. */
  readonly handOver?: HandOver | undefined;
}

/** What usually ends a boot at its failed stage, the most likely first. */
export function listCauses({ stages, tail, mentions, lastWords = [], handOver }: CauseTerms): string[] {
  const stage = stages.find(({ state }) => state === 'failed');
  const failed = stage?.name ?? '';
  const words = beforeUp.has(failed) ? lastWords : listNames(stage).flatMap(mentions);
  const quoted = words.map((line) => `the console says: ${line}`);
  const shown = [...tail, ...lastWords];
  const known = handOver === undefined ? [...texts, noDisk] : texts;
  const said = new Set(
    shown.flatMap((line) => known.filter(({ pattern }) => pattern.test(line)).map(({ cause }) => cause)),
  );
  const found = handOver === undefined ? [] : explainHandOver(failed, handOver);
  // A guest that ended waits for nothing, and what it said says more than what is usual.
  const usual = failed === 'system' && words.length > 0 ? [] : (causes[nameCause(stage ?? {})] ?? []);
  // First what says what to type.
  return [...said, ...found, ...quoted, ...usual];
}

/** Of all ports the same is usual, and so on. */
function nameCause({ name = '', line }: Partial<BootStage>): string {
  const [kind = ''] = name.split(' ');
  if (kind === 'file') return line === unanswered ? 'file without an answer' : name;
  return kind === 'port' || kind === 'mount' ? kind : name;
}

/** Of probe-functions.sh. */
const unanswered = 'no answer';

const beforeUp: ReadonlySet<string> = new Set(['handed over', 'system']);

/** The services that a boot failed with, or the place of a mount. */
function listNames({ name, line = '' }: Partial<BootStage> = {}): string[] {
  if (name === 'no failed services')
    return [...line.matchAll(/(\S+?)(?:\.service)?(?: \([^)]*\))?(?:,|$)/g)].map(([, each = '']) => each);
  const [, each] = /^(?:service|mount) (\S+)/.exec(name ?? '') ?? [];
  return each === undefined ? [] : [each];
}

/** Texts of programs. They explain and decide nothing: any program can print them. */
const texts: readonly { readonly pattern: RegExp; readonly cause: string }[] = [
  {
    pattern: /CPU does not support x86-64-v\d|CPU ISA level is lower than required/,
    cause:
      'the programs of the image say that they need a newer processor than the emulated one: verify with KVM',
  },
  {
    pattern: /error while loading shared libraries|can't load library/,
    cause: 'a program lacks a shared library: see moby-patch inspect IMAGE',
  },
  {
    pattern: /Kernel panic - not syncing: (Out of memory|System is deadlocked)|Out of memory: Killed process/,
    cause: 'the guest has too little memory: --memory MIB',
  },
  { pattern: /No space left on device/, cause: 'a file system of the guest is full: --memory MIB' },
  {
    pattern: /Module .* not found|modprobe: .*(not found|FATAL)/,
    cause: 'a module of the kernel is missing: it must be of exactly this version',
  },
];

const noDisk = {
  // initramfs-tools (scripts/local, scripts/functions) and dracut (dracut-lib.sh, rootfs-generator).
  pattern:
    /No root device specified|ALERT!.*does not exist|Gave up waiting for|(No or empty root=|Don't know how to handle 'root=)/,
  cause:
    'it looks for the root of an installed system, and this machine has no disk: give it one (--disk FILE --cmdline root=/dev/vda1), or expect what it does before, as with --expect "Mounting root file system" for initramfs-tools (docs/verification.md)',
};

const causes: Readonly<Record<string, readonly string[]>> = {
  firmware: [
    'the kernel prints to another console than ttyS0 (x86, riscv64) or ttyAMA0 (arm64): see --cmdline',
    'the kernel is for another machine',
  ],
  kernel: ['the kernel file is damaged, or for another machine', 'its console is not the serial port'],
  unpacked: [
    'the kernel has no decompressor for a segment, or a segment is damaged: see moby-patch inspect IMAGE',
    'the guest has too little memory for the image: --memory MIB',
  ],
  init: ['/init is missing, not executable, or its interpreter is: see moby-patch ls -l IMAGE init'],
  system: [
    'a service or a script of the image waits for something that this machine does not have: the last lines of the console name it',
    'the first program does nothing that can be seen: expect a line, a file or a service of it',
  ],
  attested: [
    'the guest has too little memory for the image: --memory MIB',
    'a segment is damaged in a way that its kernel does not notice: see moby-patch inspect IMAGE',
  ],
  'no failed services': [
    'the service needs something that this machine does not have (hardware, a network, a server): --network host, or --allow-failed NAME',
  ],
  port: [
    'nothing listens there, or the guest has no address: it gets 10.0.2.15 by DHCP, which a program there has to ask for',
  ],
  mount: [
    'what mounts it failed or has not run: a share needs a network and its server, such as one of this machine, which is 10.0.2.2 with --network host',
  ],
  'file without an answer': [
    'its file system does not answer, as a share whose server is gone: the guest waits for it (hard in its options; soft gives up)',
  ],
  'power-off': [
    'the program that is to switch the machine off has not ended, or its poweroff did nothing (ACPI)',
  ],
};
