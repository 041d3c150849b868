import { totalmem } from 'node:os';
import type { StepLimits } from '../model/patch/engine.js';

const usualProcesses = 4096;
const usualShare = 0.5;
const mebibyte = 2 ** 20;

/** The limits of a step on a machine with so many bytes of memory: half of it, unless they say something else. */
export function completeLimits(wanted: Partial<StepLimits> | undefined, machine: number): StepLimits {
  return {
    memory: wanted?.memory ?? Math.max(1, Math.floor((machine * usualShare) / mebibyte)),
    processes: wanted?.processes ?? usualProcesses,
  };
}

/** Bytes of memory that this process may use: those of the machine, or of the control group that it is in. */
export function measureMemory(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}
