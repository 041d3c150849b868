import type { Observation } from './observation.js';
import { listStages } from './stages.js';
import { type Terms, weighProof } from './verdict.js';

const mostColumns = 80;

/** A function that logs each stage of a boot once, when it was reached. */
export function createStageLog(
  seen: Observation,
  { init, handsOver }: Pick<Terms, 'init' | 'handsOver'>,
  log: (line: string) => void,
): () => void {
  const logged = new Set<string>();
  return () => {
    const { started, isCertain } = seen.milestones();
    // A busy serial port tears a line of the kernel, which then looks like a program's until the kernel names its init.
    const isDoubted = started !== undefined && isCertain !== true && seen.reached() === 'nothing';
    const isUp = seen.reached() !== 'nothing' && weighProof(seen, init) === 'whole';
    for (const { name, state, seconds, line } of listStages(seen, {
      init,
      isPassed: true,
      isUp,
      handsOver,
    })) {
      if (state !== 'reached' || logged.has(name)) continue;
      if (isDoubted && (name === 'unpacked' || name === 'init')) continue;
      logged.add(name);
      const when = seconds === undefined ? '' : ` after ${seconds.toFixed(1)} s`;
      log(`${name}${when}${line ? `: ${cut(line)}` : ''}`);
    }
  };
}

/** A kernel tells its compiler, too, in a line of 250 characters; the report and the console have it whole. */
function cut(line: string): string {
  return line.length > mostColumns ? `${line.slice(0, mostColumns)}...` : line;
}
