import type { Readiness } from '../../model/engine.js';
import { MobyPatchError } from '../../model/error.js';
import { ask, createDaemon, type Daemon, getAnswer } from './daemon.js';
import { createAgent } from './dial.js';
import { type Environment, findEndpoint } from './endpoint.js';

/** Finds the daemon; talks to nobody yet. */
export async function connectDocker(environment: Environment): Promise<Daemon> {
  const endpoint = await findEndpoint(environment);
  return createDaemon(endpoint, await createAgent(endpoint, environment));
}

/** Whether there is a Linux daemon that answers within `seconds`. Never throws for what it finds. */
export async function probeDocker(environment: Environment, seconds = 10): Promise<Readiness> {
  try {
    const daemon = await connectDocker(environment);
    const version = (await ask(daemon, 'answer', seconds, (abortSignal) =>
      getAnswer(daemon, '/version', false, abortSignal),
    )) as Readonly<Record<string, unknown>>;
    const at = `${daemon.endpoint.host} (${daemon.endpoint.source})`;
    if (version.Os !== 'linux') {
      return {
        ready: false,
        reason: `Docker at ${at} runs ${version.Os} containers`,
        hint: 'switch to Linux containers',
      };
    }
    return { ready: true, reason: `Docker ${version.Version}, ${version.Os}/${version.Arch}, at ${at}` };
  } catch (error) {
    if (!(error instanceof MobyPatchError)) throw error;
    return { ready: false, reason: error.message, hint: error.hint };
  }
}
