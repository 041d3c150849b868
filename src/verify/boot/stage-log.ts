import type { Init } from './detect-init.js';
import type { Observation } from './observation.js';
import { listStages } from './stages.js';

/** A function that logs each stage of a boot once, when it was reached. */
export function createStageLog(seen: Observation, init: Init, log: (line: string) => void): () => void {
  const logged = new Set<string>();
  return () => {
    for (const { name, state, seconds, line } of listStages(seen, { init, isPassed: true, isUp: true })) {
      if (state !== 'reached' || logged.has(name)) continue;
      logged.add(name);
      log(
        `${name}${seconds === undefined ? '' : ` after ${seconds.toFixed(1)} s`}${line ? `: ${line}` : ''}`,
      );
    }
  };
}
