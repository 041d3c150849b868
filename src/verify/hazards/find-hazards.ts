import { collectBytes } from '../../io/collect.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Image } from '../../model/image/archive.js';
import type { Change } from '../../model/image/change.js';
import type { Hazard } from '../../model/result/hazard.js';
import { findArchiveFaults } from './archive-faults.js';
import { findBootconfigHazards } from './bootconfig.js';
import { type Facts, gatherFacts, type HazardOptions } from './facts.js';
import { traceFirstProgram } from './first-program.js';
import { findGenerated } from './generated.js';
import { findInittabFault, inittab } from './inittab.js';
import { listLoaderFiles } from './libraries.js';
import { findTooLittleMemory } from './memory.js';
import { findContainerKeyword, findDockerEnvironment, listConfigurations, listServices } from './openrc.js';
import { findConsole, findLinkLeaks, findMissingParents, findUnknownCodecs } from './records.js';
import { findShadowed } from './shadowed.js';
import { findUnreadBytes } from './unread-bytes.js';

type Rule = (facts: Facts) => readonly Hazard[];

const rules: readonly Rule[] = [
  findUnknownCodecs,
  findTooLittleMemory,
  (facts) => traceFirstProgram(facts).hazards,
  findInittabFault,
  findConsole,
  findDockerEnvironment,
  findContainerKeyword,
  findShadowed,
  findMissingParents,
  findLinkLeaks,
  findGenerated,
];

/** What most first programs lead to. Read in the first pass, they mostly spare the second one. */
const usualFiles = [
  'bin/sh',
  'bin/busybox',
  'lib64/ld-linux-x86-64.so.2',
  'lib/ld-linux-aarch64.so.1',
  'lib/x86_64-linux-gnu/libc.so.6',
  'lib/aarch64-linux-gnu/libc.so.6',
  'lib/ld-musl-x86_64.so.1',
  'lib/ld-musl-aarch64.so.1',
];

/**
 * The boot hazards of an image, the fatal ones first. Nothing is run. Bodies are read in one pass over the image, or in
 * a few more when the first program needs many libraries.
 */
export async function findHazards(image: Image, options: HazardOptions = {}): Promise<Hazard[]> {
  const facts = await gatherFacts(image, options, (known) => [
    'init',
    'etc/fstab',
    inittab,
    ...usualFiles,
    ...listConfigurations(known),
    ...listServices(known),
    ...listLoaderFiles(known),
    ...traceFirstProgram(known).wanted,
  ]);
  const hazards = [...(await findLayoutHazards(image, options)), ...rules.flatMap((rule) => rule(facts))];
  return hazards.sort((a, b) => Number(b.severity === 'fatal') - Number(a.severity === 'fatal'));
}

/** The hazards that no file of the image decides: what a kernel refuses of its bytes, or never reads. */
async function findLayoutHazards(image: Image, options: HazardOptions = {}): Promise<Hazard[]> {
  return [
    ...findArchiveFaults(image, options),
    ...(await findUnreadBytes(image)),
    ...findBootconfigHazards(image, options),
  ];
}

/** A warning in one line, with the command that mends it. */
export function showHazard({ path, message, hint }: Hazard): string {
  return `${path === '' ? '' : `${path}: `}${message}; try: ${hint}`;
}

const programs = 'busybox|sh|dash|bash|init';
const libraries = 'ld|ld-[^/]*|lib(?:c|m|dl|crypt|resolv|pthread|tinfo)[.-][^/]*';
const configurations =
  'fstab|inittab|rc\\.conf|rc\\.conf\\.d/.*|init\\.d/[^/]*|ld\\.so\\.conf|ld\\.so\\.conf\\.d/.*|ld-musl-[^/]*';

const bootFile = new RegExp(
  `^[./]*(?:init|linuxrc|(?:usr/)?s?bin/(?:${programs})|(?:usr/)?lib[^/]*/(?:[^/]*/)?(?:${libraries})|etc/(?:${configurations})|(?:etc|usr/lib)/(?:os|initrd)-release)$`,
);

/**
 * Whether a record's name is one of those that `findHazards` and `describeSystem` mostly read. An image that buffers
 * these bodies while it is opened spares another pass. A miss costs time, nothing else.
 */
export function isBootFile(name: string): boolean {
  return bootFile.test(name);
}

export interface MadeChanges {
  readonly changes: readonly Change[];
  /** Paths that steps wrote as they are. */
  readonly deliberate: ReadonlySet<string>;
  readonly isDisk?: boolean | undefined;
}

/** Bytes: a key has a few thousand. */
const longestKey = 64 * 1024;

/** The regular files among changes; only small ones have bytes, since a larger one is no key. */
async function readStarts(changes: readonly Change[]): Promise<ReadonlyMap<string, Uint8Array>> {
  const starts = new Map<string, Uint8Array>();
  for (const change of changes) {
    if (change.op === 'remove' || change.entry.type !== 'file') continue;
    const { path, size } = change.entry;
    starts.set(
      path,
      size > longestKey ? new Uint8Array() : await collectBytes(change.entry.body(), size, path),
    );
  }
  return starts;
}

export interface ComparedHazards {
  /** Fatal, and not in the image before the changes: reasons to refuse the new image. */
  readonly introduced: readonly Hazard[];
  /** All others of the new image. */
  readonly known: readonly Hazard[];
}

/** Separates the hazards that changes introduced. Hazards with the same code and path are the same. @internal */
export function compareHazards(before: readonly Hazard[], after: readonly Hazard[]): ComparedHazards {
  const keyOf = ({ code, path }: Hazard) => `${code} ${path}`;
  const old = new Set(before.map(keyOf));
  const isIntroduced = (hazard: Hazard) => hazard.severity === 'fatal' && !old.has(keyOf(hazard));
  return {
    introduced: after.filter(isIntroduced),
    known: after.filter((hazard) => !isIntroduced(hazard)),
  };
}

/**
 * Refuses an output that can fail in a way in which its input could not. Returns the hazards that are no reason to
 * refuse it. Error (`failed`): `boot-hazard`.
 */
export async function refuseHazards(
  image: Image,
  written: Image,
  { changes, deliberate, isDisk }: MadeChanges,
): Promise<readonly Hazard[]> {
  // Of a copy only what is lost in it is worth a word at every build.
  if (written.layout.sha256 === image.layout.sha256) return findLayoutHazards(written);
  const after = await findHazards(written, { isDisk, changed: await readStarts(changes), deliberate });
  // The old image is only read again where it decides something.
  const before = after.some(({ severity }) => severity === 'fatal')
    ? await findHazards(image, { isDisk })
    : [];
  const { introduced, known } = compareHazards(before, after);
  const [first] = introduced;
  if (first === undefined) return known;
  throw new MobyPatchError('failed', 'boot-hazard', introduced.map(({ message }) => message).join('; '), {
    path: [written.name, first.path].filter((part) => part !== '').join(': '),
    hint: first.hint,
  });
}
