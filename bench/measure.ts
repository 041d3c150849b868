import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contender, Measured, Spent } from './contender.js';
import { type Place, quote, runShell } from './shell.js';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Runs the contenders in turns, so that other work on the machine affects all of them. */
export async function measure(
  contenders: readonly Contender[],
  runs: number,
  place: Place,
): Promise<Measured[]> {
  const pairs = contenders.map((contender) => {
    const { name, missing } = contender;
    const seconds: number[] = [];
    const cpu: number[] = [];
    const result: Writable<Measured> = { name, seconds, cpu, peak: 0, ...(missing && { missing }) };
    return { contender, result, seconds, cpu };
  });
  for (let run = 0; run < runs; run += 1) {
    for (const { contender, result, seconds, cpu } of pairs) {
      const { prepare, command, output, missing } = contender;
      if (missing !== undefined) continue;
      if (prepare !== undefined) await runShell(prepare, place);
      const spent = await measureCommand(command, place);
      seconds.push(spent.seconds);
      cpu.push(spent.cpu);
      result.peak = Math.max(result.peak, spent.peak);
      if (output !== undefined) result.bytes = (await stat(join(place.folder, output))).size;
    }
  }
  return pairs.map(({ result }) => result);
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
