import type { Survey } from '../../../model/result/boot.js';

export interface SurveyWatch {
  /** The words behind `survey` in a line of the probe. */
  see(text: string): void;
  /** The last whole one. */
  result(): Survey | undefined;
}

const mostServices = 5000;

export function createSurveyWatch(): SurveyWatch {
  let services = new Map<string, string>();
  let memory: number | undefined;
  let last: Survey | undefined;
  return {
    see(text) {
      const [kind, name = '', ...state] = text.split(' ');
      if (kind === 'begin') {
        services = new Map();
        memory = undefined;
      } else if (kind === 'memory') memory = Number(name) || undefined;
      else if (kind === 'end')
        last = {
          services: [...services]
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, value]) => ({ name: key, state: value })),
          memory,
        };
      else if (services.size < mostServices)
        if (kind === 'service') services.set(name, state.join(' '));
        // A name of a process may have spaces.
        else if (kind === 'process') services.set([name, ...state].join(' '), 'runs');
    },
    result: () => last,
  };
}
