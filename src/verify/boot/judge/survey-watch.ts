import type { Survey } from '../../../model/result/boot.js';

export interface SurveyWatch {
  /** The words behind `survey` in a line of the probe. */
  see(text: string): void;
  /** The last whole one. */
  result(): Survey | undefined;
}

const mostNames = 5000;

/** Looks, about a second of the guest each. */
const looks = {
  /** For which a process stays, or a service keeps its state, to be more than a moment. */
  steady: 3,
  /** For which a program counts although it was not seen: another `sleep` of the same loop may be on its way. */
  absent: 10,
  /** Without a change, after which a guest whose programs are listed has come to rest. */
  calm: 10,
};

/**
 * One look shows a moment: a script of a slow guest runs `grep` in one boot and `sed` in the other. So a program runs when one process of it
 * has stayed for some looks, and a service has a state when it has kept it.
 */
export function createSurveyWatch(): SurveyWatch {
  const programs = watchPrograms();
  const services = watchServices();
  let processes = new Map<string, string>();
  let states = new Map<string, string>();
  let memory: number | undefined;
  let last: Survey | undefined;

  function end(): void {
    const kind = processes.size > 0 ? 'programs' : 'services';
    const { listed, settled } = kind === 'programs' ? programs.look(processes) : services.look(states);
    const sorted = listed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, state]) => ({ name, state }));
    last = { kind, services: sorted, settled, memory };
  }

  return {
    see(text) {
      const [kind, first = '', ...rest] = text.split(' ');
      if (kind === 'begin') {
        states = new Map();
        processes = new Map();
        memory = undefined;
      } else if (kind === 'memory') memory = Number(first) || undefined;
      else if (kind === 'end') end();
      else if (states.size + processes.size < mostNames)
        if (kind === 'service') states.set(first, rest.join(' '));
        // A name of a process may have spaces.
        else if (kind === 'process') processes.set(first, rest.join(' '));
    },
    result: () => last,
  };
}

interface Listed {
  readonly listed: [name: string, state: string][];
  readonly settled: boolean;
}

/** The processes of a look are names by number. */
function watchPrograms(): { look(processes: ReadonlyMap<string, string>): Listed } {
  let count = 0;
  /** Looks in a row that showed a process, by number and name. */
  let streaks = new Map<string, number>();
  /** By name: the latest look that showed a process, and one that had stayed. */
  const seen = new Map<string, number>();
  const stayed = new Map<string, number>();
  let running = '';
  let changed = 0;
  return {
    look(processes) {
      count++;
      const next = new Map<string, number>();
      for (const [number, name] of processes) {
        const process = `${number} ${name}`;
        const streak = (streaks.get(process) ?? 0) + 1;
        next.set(process, streak);
        if (seen.size < mostNames || seen.has(name)) seen.set(name, count);
        if (streak >= looks.steady) stayed.set(name, count);
      }
      streaks = next;
      const isRecent = (at: number | undefined) => at !== undefined && count - at < looks.absent;
      const listed = [...seen].flatMap(([name, at]): Listed['listed'] => {
        if (isRecent(stayed.get(name))) return [[name, 'runs']];
        return isRecent(at) ? [[name, 'comes and goes']] : [];
      });
      const now = JSON.stringify(listed.flatMap(([name, state]) => (state === 'runs' ? [name] : [])).sort());
      if (now !== running) changed = count;
      running = now;
      return { listed, settled: count - changed >= looks.calm };
    },
  };
}

/** The services of a look are states by name. */
function watchServices(): { look(states: ReadonlyMap<string, string>): Listed } {
  const latest: ReadonlyMap<string, string>[] = [];
  return {
    look(states) {
      latest.push(states);
      if (latest.length > looks.steady) latest.shift();
      const isKept = (name: string, state: string) => latest.every((look) => look.get(name) === state);
      const names = new Set(latest.flatMap((look) => [...look.keys()]));
      const listed = [...names].map((name): [string, string] => {
        const state = states.get(name) ?? '';
        return [name, isKept(name, state) ? state : 'changes'];
      });
      const isSame = listed.every(([name]) => isKept(name, states.get(name) ?? ''));
      return { listed, settled: latest.length === looks.steady && isSame };
    },
  };
}
