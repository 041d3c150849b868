import { createMissingProgramError } from '../../../io/process/process.js';
import { readScript } from '../../../io/process/script.js';
import { usualPath } from '../../rights.js';
import type { Hook } from './oci-config.js';
import { findProgram } from './runtime.js';

/** The program that connects a network namespace, and its Debian package. */
export const uplinkProgram = 'slirp4netns';

/** The resolver of `uplinkProgram`, which asks this machine's. */
const uplinkResolver = '10.0.2.3';

/** A hook that connects a container to the network, with a private folder of its own. Error: `program-missing`. */
export function createUplink(folder: string): Hook {
  if (findProgram(uplinkProgram) === undefined) throw createMissingProgramError(uplinkProgram);
  const script = readScript(new URL('./uplink.sh', import.meta.url));
  return { path: '/bin/sh', args: ['sh', '-c', script, 'uplink', folder], env: [`PATH=${usualPath}`] };
}

/** A resolv.conf for behind the uplink: resolvers on this machine's loopback interface cannot be reached from there. */
export function adaptResolver(text: string): string {
  const lines = text.split('\n');
  const isServer = (line: string) => /^\s*nameserver\s/.test(line);
  const isReached = (line: string) => /^\s*nameserver\s+(?!127\.)\d+\.\d+\.\d+\.\d+\s*$/.test(line);
  const servers = lines.filter(isReached);
  const others = lines.filter((line) => !isServer(line));
  return [...(servers.length > 0 ? servers : [`nameserver ${uplinkResolver}`]), ...others].join('\n');
}
