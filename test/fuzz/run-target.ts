import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createErrorReport, MobyPatchError } from '#src/model/error/error.js';
import { createRandom, mutate } from './mutate.js';
import type { Target } from './targets.js';

export interface FuzzResult {
  readonly inputs: number;
  readonly taken: number;
  /** By code. */
  readonly rejected: ReadonlyMap<string, number>;
  readonly defects: readonly string[];
  readonly slowest: number;
}

/** Far above what any input needs on a loaded machine: only what would never end comes here. */
const patience = 60_000;
const mostDefects = 5;

/** The input with this number: the same bytes for the same target, seed and number. */
export function createInput(target: Target, seed: number, index: number) {
  const name = [...target.name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7);
  const random = createRandom(seed, name, index);
  const seedBytes = random.pick(target.seeds);
  // Now and then nothing is changed: the whole way has to be gone, too.
  const change = target.mutate ?? ((seed: Buffer) => mutate(seed, target.seeds, random));
  const bytes = random.below(16) === 0 ? Buffer.from(seedBytes) : change(seedBytes, random);
  return { bytes, random };
}

/** Runs inputs `first` and on until `until` says stop. */
export async function runTarget(
  target: Target,
  seed: number,
  folder: string,
  until: (inputs: number) => boolean,
  first = 0,
  given?: Buffer,
): Promise<FuzzResult> {
  const rejected = new Map<string, number>();
  const defects: string[] = [];
  let [taken, inputs, slowest] = [0, 0, 0];
  if (target.seeds.length === 0) return { inputs, taken, rejected, defects, slowest };
  for (; !until(inputs) && defects.length < mostDefects; inputs += 1) {
    const { bytes: made, random } = createInput(target, seed, first + inputs);
    const bytes = given ?? made;
    const start = performance.now();
    try {
      await withPatience(target.run(bytes, random, folder));
      taken += 1;
    } catch (error) {
      const problem = judge(error, target, bytes.length);
      if (problem === undefined) {
        const { code } = createErrorReport(error);
        rejected.set(code, (rejected.get(code) ?? 0) + 1);
      } else {
        const again = `npm run fuzz -- --target ${target.name} --seed ${seed} --input ${first + inputs}`;
        defects.push(`${problem}\n  ${again}${await keepInput(target, bytes, first + inputs)}`);
      }
    }
    slowest = Math.max(slowest, performance.now() - start);
  }
  return { inputs, taken, rejected, defects, slowest };
}

/** What programs make has the date of its day, so an input that was made of it is kept as a file. */
async function keepInput({ name, mutate }: Target, bytes: Buffer, index: number): Promise<string> {
  if (mutate === undefined) return '';
  const file = join(tmpdir(), `fuzz-${name}-${index}.bin`);
  await writeFile(file, bytes);
  return ` --file ${file}`;
}

/** Undefined for a rejection as it should be. */
function judge(error: unknown, target: Target, size: number): string | undefined {
  if (!(error instanceof MobyPatchError))
    return error instanceof Error ? (error.stack ?? String(error)) : String(error);
  if (!target.codes.test(error.code)) return `the code ${error.code}: ${error.message}`;
  const { offset } = error;
  return offset === undefined || (Number.isInteger(offset) && offset >= 0 && offset <= size)
    ? undefined
    : `the offset ${offset} of ${size} bytes: ${error.message}`;
}

async function withPatience(running: Promise<void> | void): Promise<void> {
  if (running === undefined) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('oracle: no end')), patience);
  });
  try {
    await Promise.race([running, late]);
  } finally {
    clearTimeout(timer);
  }
}
