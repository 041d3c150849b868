import { spawn } from 'node:child_process';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** One way to do a piece of work. The shell commands run in a folder of the contender's own. */
export interface Contender {
  readonly name: string;
  /** Not timed: brings about what the command starts from. */
  readonly prepare?: string | undefined;
  readonly command: string;
  /** The file whose size is told. */
  readonly output?: string | undefined;
}

export interface Measured {
  readonly name: string;
  /** Seconds, one for each run. */
  readonly seconds: readonly number[];
  /** KiB: the largest resident set of any process of the command, over all runs. */
  readonly peak: number;
  readonly bytes?: number | undefined;
}

/** Runs contenders in turns, so that what else the machine does meets all of them. */
export async function measure(
  contenders: readonly Contender[],
  runs: number,
  folder: string,
  environment: Readonly<Record<string, string>>,
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
      if (prepare !== undefined) await shell(prepare, folder, environment);
      const { seconds, peak } = await time(command, folder, environment);
      result.seconds.push(seconds);
      result.peak = Math.max(result.peak, peak);
      if (output !== undefined) result.bytes = (await stat(join(folder, output))).size;
    }
  }
  return results;
}

async function time(command: string, folder: string, environment: Readonly<Record<string, string>>) {
  const record = join(folder, '.time');
  await rm(record, { force: true });
  const start = performance.now();
  await shell(`/usr/bin/time -q -f %M -o .time sh -c ${quote(command)}`, folder, environment);
  const seconds = (performance.now() - start) / 1000;
  return { seconds, peak: Number(await readFile(record, 'utf8')) };
}

/** Error: the command with the end of what it said. */
export async function shell(
  command: string,
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const child = spawn('bash', ['-o', 'pipefail', '-c', command], {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece) => {
      said = (said + piece).slice(-4000);
    });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  if (code !== 0) throw new Error(`${command}\nended with ${code}: ${said}`);
  return said;
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
