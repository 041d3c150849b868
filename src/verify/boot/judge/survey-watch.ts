import type { Survey } from '../../../model/result/boot.js';

export interface SurveyWatch {
  /** The words behind `survey` in a line of the probe. */
  see(text: string): void;
  /** The last whole one. */
  result(): Survey | undefined;
}

interface Looks {
  /** Whole surveys so far. */
  count: number;
  /** The latest look that showed a name. */
  readonly seen: Map<string, number>;
  /** The look that showed a name for the first time. */
  newest: number;
}

const mostServices = 5000;

/** Looks without a new program, about a second of the guest each, after which the guest has come to rest. */
const calm = 10;

/**
 * An init system lists what it has started, so its last list is complete. A list of programs shows one moment: those of the
 * last looks count together, and they are settled once no new one has come for as many looks.
 */
export function createSurveyWatch(): SurveyWatch {
  const looks: Looks = { count: 0, seen: new Map(), newest: 0 };
  let services = new Map<string, string>();
  let programs = new Set<string>();
  let memory: number | undefined;
  let last: Survey | undefined;

  function end(): void {
    look(looks, programs);
    const isOfPrograms = programs.size > 0;
    const recent = [...looks.seen].flatMap(([name, at]) => (looks.count - at < calm ? [name] : []));
    const listed = isOfPrograms ? recent.map((name) => [name, 'runs'] as const) : [...services];
    last = {
      services: listed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, state]) => ({ name, state })),
      ...(isOfPrograms && { settled: looks.count - looks.newest >= calm }),
      memory,
    };
  }

  return {
    see(text) {
      const [kind, name = '', ...state] = text.split(' ');
      if (kind === 'begin') {
        services = new Map();
        programs = new Set();
        memory = undefined;
      } else if (kind === 'memory') memory = Number(name) || undefined;
      else if (kind === 'end') end();
      else if (services.size + programs.size < mostServices)
        if (kind === 'service') services.set(name, state.join(' '));
        // A name of a process may have spaces.
        else if (kind === 'process') programs.add([name, ...state].join(' '));
    },
    result: () => last,
  };
}

function look(looks: Looks, programs: ReadonlySet<string>): void {
  looks.count++;
  for (const name of programs) {
    if (!looks.seen.has(name) && looks.seen.size >= mostServices) continue;
    if (!looks.seen.has(name)) looks.newest = looks.count;
    looks.seen.set(name, looks.count);
  }
}
