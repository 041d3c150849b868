import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contender, Measured, Spent } from './contender.js';
import { type Place, quote, runShell } from './shell.js';

/** What is known of a contender so far. */
interface Candidate {
  readonly contender: Contender;
  missing: string | undefined;
  readonly spent: Spent[];
  bytes: number | undefined;
}

/**
 * Runs the contenders in turns, so that other work on the machine affects all of them. One that fails, or whose work is not
 * done, is out of the race with the reason: nothing is as fast as a failure. Error: ours, the first, failed.
 */
export async function measure(
  contenders: readonly Contender[],
  runs: number,
  place: Place,
): Promise<Measured[]> {
  const candidates = contenders.map<Candidate>((contender) => ({
    contender,
    missing: contender.missing,
    spent: [],
    bytes: undefined,
  }));
  for (let run = 0; run < runs; run += 1) {
    for (const candidate of candidates) {
      if (candidate.missing !== undefined) continue;
      try {
        await runOnce(candidate, place);
      } catch (error) {
        if (candidate === candidates[0]) throw error;
        candidate.missing = explainFailure(error as Error);
        console.error(`${candidate.contender.name} ${candidate.missing}`);
      }
    }
  }
  return candidates.map(summarize);
}

async function runOnce(candidate: Candidate, place: Place): Promise<void> {
  const { prepare, command, check, output } = candidate.contender;
  if (prepare !== undefined) await runShell(prepare, place);
  candidate.spent.push(await measureCommand(command, place));
  if (check !== undefined)
    await runShell(check, place).catch(({ message }: Error) => {
      const [, ...rest] = message.split('\n');
      throw new Error(`${check}\nits work is not done: ${rest.join(' ')}`);
    });
  if (output !== undefined) candidate.bytes = (await stat(join(place.folder, output))).size;
}

function summarize({ contender: { name }, missing, spent, bytes }: Candidate): Measured {
  if (missing !== undefined) return { name, missing, seconds: [], cpu: [], peak: 0 };
  return {
    name,
    seconds: spent.map(({ seconds }) => seconds),
    cpu: spent.map(({ cpu }) => cpu),
    peak: Math.max(...spent.map(({ peak }) => peak)),
    ...(bytes !== undefined && { bytes }),
  };
}

/** One line of an error of `runShell`, whose first line is the command: what went wrong, then the command. */
export function explainFailure({ message }: Error): string {
  const [command = '', ...rest] = message.split('\n');
  const what = rest.join(' ').trim();
  return what === '' ? `failed: ${message}` : `failed: ${what} (${command.slice(0, 80)})`;
}

export async function measureCommand(command: string, place: Place): Promise<Spent> {
  const record = join(place.folder, '.time');
  await rm(record, { force: true });
  const start = performance.now();
  await runShell(`/usr/bin/time -q -f '%M %U %S' -o .time bash -o pipefail -c ${quote(command)}`, place);
  const seconds = (performance.now() - start) / 1000;
  const [peak = Number.NaN, user = 0, system = 0] = (await readFile(record, 'utf8')).split(' ').map(Number);
  return { seconds, peak, cpu: user + system };
}
