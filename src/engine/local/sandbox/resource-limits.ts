import { readFileSync } from 'node:fs';
import type { StepLimits } from '../../../model/patch/engine.js';
import { largestFile } from '../../rights.js';

/** `process.rlimits` of an OCI configuration. */
export interface ResourceLimit {
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

const mebibyte = 2 ** 20;

/** MiB that runc needs itself, when it gets no more than the command will (1.1). */
export const leastMemory = 128;

/** Names in /proc/self/limits. */
const names: Readonly<Record<string, string>> = {
  CORE: 'Max core file size',
  NOFILE: 'Max open files',
  NPROC: 'Max processes',
  FSIZE: 'Max file size',
  MEMLOCK: 'Max locked memory',
  DATA: 'Max data size',
};

/**
 * The limits of each process. Nobody may raise a limit without CAP_SYS_RESOURCE, so none is above the one that this
 * process has by `own`, the text of /proc/self/limits. Without a control group each process gets the memory
 * of the step: what it may write to, not its addresses, of which Go reserves gigabytes.
 */
export function createResourceLimits(
  limits: StepLimits,
  isGrouped: boolean,
  own: string = readFileSync('/proc/self/limits', 'utf8'),
): ResourceLimit[] {
  const limit = (name: string, soft: number, hard = soft): ResourceLimit => {
    const ceiling = readCeiling(own, names[name] ?? name);
    return { type: `RLIMIT_${name}`, soft: Math.min(soft, ceiling), hard: Math.min(hard, ceiling) };
  };
  return [
    limit('CORE', 0),
    limit('NOFILE', 1024, 65_536),
    limit('NPROC', limits.processes),
    limit('FSIZE', largestFile),
    limit('MEMLOCK', 8 * mebibyte),
    ...(isGrouped ? [] : [limit('DATA', Math.max(limits.memory, leastMemory) * mebibyte)]),
  ];
}

function readCeiling(own: string, name: string): number {
  const line = own.split('\n').find((each) => each.startsWith(`${name} `)) ?? '';
  const hard = /^.*?\s{2,}\S+\s+(\d+)\s/.exec(line)?.[1];
  return hard === undefined ? Number.POSITIVE_INFINITY : Number(hard);
}
