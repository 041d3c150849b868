import { createErrorReport } from '../model/error.js';
import type { Session } from '../model/session.js';
import { findQemu } from '../verify/boot/machine.js';

export interface Finding {
  readonly name: string;
  readonly ready: boolean;
  readonly reason: string;
  readonly hint?: string | undefined;
}

export interface Examination {
  readonly findings: readonly Finding[];
  /** Whether some engine runs commands, and some image boots. */
  readonly ready: boolean;
}

/** Probes what builds and boots need on this machine. */
export async function examineMachine(session: Pick<Session, 'signal' | 'engines'>): Promise<Examination> {
  const engines: Finding[] = [];
  for (const engine of session.engines)
    engines.push({ name: `engine ${engine.name}`, ...(await engine.probe()) });
  const boots: Finding[] = [];
  for (const architecture of ['x86_64', 'aarch64'] as const)
    boots.push(await examineBoot(architecture, session.signal));
  const canBuild = session.engines.some(
    ({ offers }, index) => offers.includes('commands') && engines[index]?.ready === true,
  );
  return { findings: [...engines, ...boots], ready: canBuild && boots.some(({ ready }) => ready) };
}

async function examineBoot(architecture: 'x86_64' | 'aarch64', signal: AbortSignal): Promise<Finding> {
  const name = `boot of ${architecture}`;
  try {
    const { version } = await findQemu(architecture, signal);
    return { name, ready: true, reason: version };
  } catch (error) {
    const { message, hint } = createErrorReport(error);
    return { name, ready: false, reason: message, hint };
  }
}
