import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import type { Readiness } from '../../model/engine.js';
import { createErrorReport } from '../../model/error.js';
import { findProgram, type Sandbox } from './runtime.js';
import { findSandbox } from './sandbox.js';
import { uplinkProgram } from './uplink.js';

// Bits of linux/capability.h: the rights to unpack a root file system and to create namespaces.
const neededCapabilities = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  FOWNER: 3,
  SETPCAP: 8,
  NET_ADMIN: 12,
  SYS_CHROOT: 18,
  SYS_ADMIN: 21,
};

export interface LocalReadiness extends Readiness {
  /** There when it is ready. */
  readonly sandbox?: Sandbox;
}

/** Whether commands can run here without a daemon: tries it once. */
export async function probeLocal(
  signal: AbortSignal = new AbortController().signal,
): Promise<LocalReadiness> {
  const missing = process.platform === 'linux' ? await findMissingRight() : createPlatformReason();
  if (missing !== undefined) return missing;
  try {
    const { sandbox, ungrouped } = await findSandbox(signal);
    const notes = [
      `${sandbox.runtime.name} runs containers here (Linux ${release()}, root)`,
      ...(ungrouped === undefined ? [] : [`without limits of processes and memory: ${ungrouped}`]),
      ...(findProgram(uplinkProgram) === undefined ? [`no network: apt-get install ${uplinkProgram}`] : []),
    ];
    return { ready: true, reason: notes.join('; '), sandbox };
  } catch (error) {
    const { code, message, hint } = createErrorReport(error);
    if (code === 'interrupted') throw error;
    return { ready: false, reason: message, hint: code === 'namespace' ? privilegedHint : hint };
  }
}
const privilegedHint =
  'run it as root on the machine itself or in a container started with --privileged, or use --engine docker';

async function findMissingRight(): Promise<Readiness | undefined> {
  if (process.getuid?.() !== 0) {
    const reason = `the local engine needs root, this process has the user id ${process.getuid?.()}`;
    return { ready: false, reason, hint: 'run it with sudo, or use --engine docker' };
  }
  return explainRights(
    await readFile('/proc/self/status', 'utf8'),
    await readFile('/proc/self/uid_map', 'utf8'),
  );
}

/** What is missing by the texts of /proc/self/status and /proc/self/uid_map; undefined when nothing is. */
export function explainRights(status: string, uidMap: string): Readiness | undefined {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const lacks = Object.entries(neededCapabilities).filter(
    ([, bit]) => ((effective >> BigInt(bit)) & 1n) === 0n,
  );
  if (lacks.length > 0) {
    const names = lacks.map(([name]) => `CAP_${name}`).join(', ');
    return { ready: false, reason: `this process is root without ${names}`, hint: privilegedHint };
  }
  if (!/^\s*0\s+0\s+4294967295\s*$/.test(uidMap)) {
    const reason = 'this process is root of a user namespace only and cannot give files to every user';
    return { ready: false, reason, hint: privilegedHint };
  }
  return undefined;
}

function createPlatformReason(): Readiness {
  const reason = `the local engine needs Linux, this is ${process.platform}`;
  return { ready: false, reason, hint: 'use --engine docker' };
}
