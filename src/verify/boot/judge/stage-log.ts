import type { Init } from '../probe/detect-init.js';
import type { Observation } from './observation.js';
import { listStages } from './stages.js';

const mostColumns = 80;

/** A function that logs each stage of a boot once, when it was reached. */
export function createStageLog(seen: Observation, init: Init, log: (line: string) => void): () => void {
  const logged = new Set<string>();
  return () => {
    for (const { name, state, seconds, line } of listStages(seen, { init, isPassed: true, isUp: true })) {
      if (state !== 'reached' || logged.has(name)) continue;
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
