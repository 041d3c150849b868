import type { Patch, SourceStep } from '../../model/patch/patch.js';
import type { Problem } from '../../yaml/problems.js';
import { stepDefinitions } from '../steps/registry.js';
import { findUnused } from './find-unused.js';
import { fitValue } from './fit-value.js';
import { listDefaults } from './parameters.js';
import { findPlaceholders } from './placeholders.js';

/** What is allowed in a patch and seldom meant, as far as it shows without an image. */
export async function findWarnings(patch: Patch): Promise<Problem[]> {
  return [
    ...patch.steps.flatMap((step) => [...findNfsTraps(step, patch), ...findHidden(step, patch)]),
    ...(await findUnused(patch)),
  ];
}

/** The step with the defaults of the parameters; undefined while one of them lacks a value. */
function readValue(step: SourceStep, patch: Patch): unknown {
  const definition = stepDefinitions.get(step.kind);
  return definition && fitValue(definition, step.value, listDefaults(patch.parameters)).value;
}

interface Mounted {
  readonly type?: string;
  readonly options?: string;
}

function findNfsTraps(step: SourceStep, patch: Patch): Problem[] {
  if (step.kind !== 'mount' && step.kind !== 'fstab') return [];
  const { type = '', options = '' } = (readValue(step, patch) ?? {}) as Mounted;
  if (!/^nfs4?$/.test(type) || findPlaceholders(options).names.length > 0) return [];
  const words = options.split(',');
  const at = step.places?.get('options') ?? step.at;
  const isUdp = words.some((word) => /^(udp6?|(mount)?proto=udp6?)$/.test(word));
  const isFour = type === 'nfs4' || words.some((word) => /^(nfs)?vers=4/.test(word));
  const problems: Problem[] = [];
  if (isUdp)
    problems.push({
      at,
      code: 'nfs-udp',
      text: `found NFS over UDP in the options ${JSON.stringify(options)}, wanted TCP: over UDP the mount succeeds and then freezes`,
    });
  if (!isFour && !words.includes('nolock') && !words.some((word) => word.startsWith('local_lock')))
    problems.push({
      at,
      code: 'nfs-locks',
      text: `found no "nolock" in the options ${JSON.stringify(options)} of NFS 3, wanted it: without a lock service on both sides programs wait for ever`,
    });
  return problems;
}

/** Places over which every boot mounts a file system. */
const mountedOver = ['proc', 'sys', 'dev', 'run'];

function findHidden(step: SourceStep, patch: Patch): Problem[] {
  const definition = stepDefinitions.get(step.kind);
  const value = readValue(step, patch);
  if (definition === undefined || value === undefined) return [];
  const { path } = (value ?? {}) as { readonly path?: string };
  const writes = ['file', 'symlink', 'directory', 'append', 'line'].includes(step.kind) && path ? [path] : [];
  return writes.flatMap((each): Problem[] => {
    const top = mountedOver.find((place) => each.startsWith(`${place}/`));
    if (top === undefined) return [];
    const text = `found ${each}, which the boot hides: it mounts something over /${top}; wanted another place`;
    return [{ at: step.places?.get('path') ?? step.at, code: 'path-hidden', text }];
  });
}
