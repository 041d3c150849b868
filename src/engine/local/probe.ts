import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { createErrorReport } from '../../model/error/error.js';
import type { Readiness } from '../../model/patch/engine.js';
import { findSandbox } from './sandbox/find-sandbox.js';
import { findProgram, type Sandbox } from './sandbox/runtime.js';
import { uplinkProgram } from './sandbox/uplink.js';

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
  if (process.platform !== 'linux') return createPlatformReason();
  const status = await readFile('/proc/self/status', 'utf8');
  const uidMap = await readFile('/proc/self/uid_map', 'utf8');
  const missing = explainUser(process.getuid?.() ?? 0) ?? explainRights(status, uidMap);
  if (missing !== undefined) return missing;
  const isNested = !wholeMap.test(uidMap);
  try {
    const { sandbox, ungrouped } = await findSandbox({ signal, isNested });
    const user = isNested ? 'root of a user namespace' : 'root';
    const notes = [
      `${sandbox.runtime.name} runs containers here (Linux ${release()}, ${user})`,
      ...(ungrouped === undefined ? [] : [`without limits for all processes together: ${ungrouped}`]),
      ...(findProgram(uplinkProgram) === undefined ? [`no network: apt-get install ${uplinkProgram}`] : []),
    ];
    return { ready: true, reason: notes.join('; '), sandbox };
  } catch (error) {
    const { code, message, hint } = createErrorReport(error);
    if (code === 'interrupted') throw error;
    return { ready: false, reason: message, hint: code === 'namespace' ? privilegedHint : hint };
  }
}

const wholeMap = /^\s*0\s+0\s+4294967295\s*$/;

/** nobody is 65534. */
const mostUsers = 65_535;

/** newuidmap of the package uidmap makes the map by /etc/subuid. */
const nestedHint =
  'unshare --user --map-root-user --map-auto moby-patch ... (apt-get install uidmap) makes you root of a namespace of your own';

const privilegedHint = 'run it as root on the machine itself or in a container started with --privileged';

function explainUser(uid: number): Readiness | undefined {
  if (uid === 0) return undefined;
  const reason = `the local engine needs root, this process has the user id ${uid}`;
  return { ready: false, reason, hint: `${nestedHint}; or sudo` };
}

/** What is missing by the texts of /proc/self/status and /proc/self/uid_map; undefined when nothing is. @internal */
export function explainRights(status: string, uidMap: string): Readiness | undefined {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const lacks = Object.entries(neededCapabilities).filter(
    ([, bit]) => ((effective >> BigInt(bit)) & 1n) === 0n,
  );
  if (lacks.length > 0) {
    const names = lacks.map(([name]) => `CAP_${name}`).join(', ');
    return { ready: false, reason: `this process is root without ${names}`, hint: privilegedHint };
  }
  const users = countUsers(uidMap);
  if (users < mostUsers) {
    const reason = `this process is root of a user namespace with ${users} user ids and cannot give files to every user`;
    return { ready: false, reason, hint: nestedHint };
  }
  return undefined;
}

/** How many user ids there are from 0 on, by the text of /proc/self/uid_map. */
function countUsers(uidMap: string): number {
  const ranges = uidMap
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .sort(([a = 0], [b = 0]) => a - b);
  let users = 0;
  for (const [first = 0, , length = 0] of ranges) if (first === users) users += length;
  return users;
}

function createPlatformReason(): Readiness {
  const reason = `the local engine needs Linux, this is ${process.platform}`;
  return { ready: false, reason };
}
