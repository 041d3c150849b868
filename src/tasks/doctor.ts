import { examineBoot } from './doctor/boots.js';
import { examineCodecs } from './doctor/codecs.js';
import type { ExaminedSession, Finding } from './doctor/finding.js';
import { examineFolders } from './doctor/folders.js';
import { examineNfs } from './doctor/nfs.js';
import { examineWrappers } from './doctor/wrappers.js';

export interface Examination {
  readonly findings: readonly Finding[];
  /** Whether all that is needed is there: some engine that runs commands, some image that boots, folders to work in. */
  readonly ready: boolean;
}

/** Probes what builds and boots need on this machine. `onFinding` gets each finding when it is made. */
export async function examineMachine(
  session: ExaminedSession,
  onFinding: (finding: Finding) => void = () => {},
): Promise<Examination> {
  const findings: Finding[] = [];
  const parts = [
    examineItself,
    examineEngines,
    examineBoot,
    examineCodecs,
    examineWrappers,
    examineFolders,
    examineNfs,
  ];
  for (const examine of parts)
    for await (const finding of examine(session)) {
      findings.push(finding);
      onFinding(finding);
    }
  return { findings, ready: findings.every(({ ready, needed }) => ready || !needed) };
}

async function* examineItself({ version }: ExaminedSession): AsyncGenerator<Finding> {
  const place = `${process.platform} ${process.arch}`;
  const reason = `moby-patch ${version}, Node ${process.versions.node}, ${place}`;
  yield { name: 'program', ready: true, needed: true, reason };
}

/** One engine that runs commands is enough. */
async function* examineEngines({ engines, signal }: ExaminedSession): AsyncGenerator<Finding> {
  const commands: Finding[] = [];
  for (const engine of engines) {
    const { ready, reason, hint } = await engine.probe(signal);
    const finding = { name: `engine ${engine.name}`, ready, needed: false, reason, hint };
    if (engine.offers.includes('commands')) commands.push(finding);
    yield finding;
  }
  const able = commands.filter(({ ready }) => ready).map(({ name }) => name);
  yield able.length > 0
    ? {
        name: 'commands',
        ready: true,
        needed: true,
        reason: `steps that run commands: by ${able.join(', ')}`,
      }
    : {
        name: 'commands',
        ready: false,
        needed: true,
        reason: 'no engine runs commands: patches that only write files work',
        hint: commands.map(({ hint }) => hint).find((hint) => hint !== undefined),
      };
}
