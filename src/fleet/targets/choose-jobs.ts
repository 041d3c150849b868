import { availableParallelism, freemem } from 'node:os';

/** MiB of a build beside the machine that it boots. */
const ownMemory = 384;
/** MiB of a machine that is booted, where nothing says how much it has. */
export const usualGuestMemory = 512;

export interface MachineRoom {
  readonly cores: number;
  /** MiB that can be had. */
  readonly memory: number;
}

export function measureRoom(): MachineRoom {
  return { cores: availableParallelism(), memory: freemem() / 2 ** 20 };
}

/** How many builds go at a time: no more than there are cores, and than fit into memory with the machines that they boot. */
export function chooseJobs({ cores, memory }: MachineRoom, guestMemory: number): number {
  return Math.max(1, Math.min(cores, Math.floor(memory / (ownMemory + guestMemory))));
}
