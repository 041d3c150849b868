import type { Archive } from '../../model/archive.js';
import type { Hazard } from '../../model/hazard.js';
import { type Facts, gatherFacts, type HazardOptions } from './facts.js';
import { traceFirstProgram } from './first-program.js';
import { listLoaderFiles } from './libraries.js';
import { findTooLittleMemory } from './memory.js';
import { findContainerKeyword, findDockerEnvironment, listConfigurations, listServices } from './openrc.js';
import { findConsole, findLinkLeaks, findMissingParents, findUnknownCodecs } from './records.js';
import { findShadowed } from './shadowed.js';

type Rule = (facts: Facts) => readonly Hazard[];

const rules: readonly Rule[] = [
  findUnknownCodecs,
  findTooLittleMemory,
  (facts) => traceFirstProgram(facts).hazards,
  findConsole,
  findDockerEnvironment,
  findContainerKeyword,
  findShadowed,
  findMissingParents,
  findLinkLeaks,
];

/** What most first programs lead to: read in the first pass, so that there mostly is no second one. */
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
 * The boot hazards of an image, the fatal ones first. Nothing is run; bodies are read in one pass over the
 * image, or a few more when the first program needs many libraries.
 */
export async function findHazards(image: Archive, options: HazardOptions = {}): Promise<Hazard[]> {
  const facts = await gatherFacts(image, options, (known) => [
    'init',
    'etc/fstab',
    ...usualFiles,
    ...listConfigurations(known),
    ...listServices(known),
    ...listLoaderFiles(known),
    ...traceFirstProgram(known).wanted,
  ]);
  const hazards = rules.flatMap((rule) => rule(facts));
  return hazards.sort((a, b) => Number(b.severity === 'fatal') - Number(a.severity === 'fatal'));
}

export interface ComparedHazards {
  /** Fatal, and not in the image that was changed: reasons not to put the new one in its place. */
  readonly introduced: readonly Hazard[];
  /** All others of the new image. */
  readonly known: readonly Hazard[];
}

/** Tells what changes brought about from what was so before; the code and the path make a hazard the same. */
export function compareHazards(before: readonly Hazard[], after: readonly Hazard[]): ComparedHazards {
  const keyOf = ({ code, path }: Hazard) => `${code} ${path}`;
  const old = new Set(before.map(keyOf));
  const isIntroduced = (hazard: Hazard) => hazard.severity === 'fatal' && !old.has(keyOf(hazard));
  return {
    introduced: after.filter(isIntroduced),
    known: after.filter((hazard) => !isIntroduced(hazard)),
  };
}
