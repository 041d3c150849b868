import { spawn } from 'node:child_process';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** One way to do a piece of work. All shell commands of a bench run in the same folder. */
export interface Contender {
  readonly name: string;
  /** Sets up what the command starts from; not timed. */
  readonly prepare?: string | undefined;
  readonly command: string;
  /** The file whose size is reported. */
  readonly output?: string | undefined;
}

export interface Measured {
  readonly name: string;
  /** Of each run. */
  readonly seconds: readonly number[];
  /** KiB: the largest resident set of any process of the command in any run. */
  readonly peak: number;
  readonly bytes?: number | undefined;
}

/** Where commands run, and what is added to the environment of this process. */
export interface Place {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Runs the contenders in turns, so that other work on the machine affects all of them. */
export async function measure(
  contenders: readonly Contender[],
  runs: number,
  place: Place,
): Promise<Measured[]> {
  const results = contenders.map(({ name }) => ({
    name,
    seconds: [] as number[],
    peak: 0,
    bytes: undefined as number | undefined,
  }));
  for (let run = 0; run < runs; run += 1) {
    for (const [index, { prepare, command, output }] of contenders.entries()) {
      const result = results[index];
      if (result === undefined) continue;
      if (prepare !== undefined) await runShell(prepare, place);
      const { seconds, peak } = await time(command, place);
      result.seconds.push(seconds);
      result.peak = Math.max(result.peak, peak);
      if (output !== undefined) result.bytes = (await stat(join(place.folder, output))).size;
    }
  }
  return results;
}

async function time(command: string, place: Place): Promise<{ seconds: number; peak: number }> {
  const record = join(place.folder, '.time');
  await rm(record, { force: true });
  const start = performance.now();
  await runShell(`/usr/bin/time -q -f %M -o .time sh -c ${quote(command)}`, place);
  const seconds = (performance.now() - start) / 1000;
  return { seconds, peak: Number(await readFile(record, 'utf8')) };
}

/** Returns the end of the output of a command. Error: the command, its exit code and the same output. */
export async function runShell(command: string, { folder, environment }: Place): Promise<string> {
  const child = spawn('bash', ['-o', 'pipefail', '-c', command], {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece) => {
      output = (output + piece).slice(-4000);
    });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  if (code !== 0) throw new Error(`${command}\nended with ${code}: ${output}`);
  return output;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = 0, high = 0] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}
