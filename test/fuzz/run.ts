import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readPeak } from '../fixtures/peak.js';
import { createInput, runTarget } from './run-target.js';
import { fastTargets, type Target } from './targets.js';
import { wholeTargets } from './whole-targets.js';
import { wrapperProgramTargets } from './wrapper-program-targets.js';
import { wrapperTargets } from './wrapper-targets.js';

/** `npm run fuzz -- --seconds N --seed S [--target NAME] [--input I [--file F]]`: see CONTRIBUTING.md. */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_007) },
    target: { type: 'string' },
    input: { type: 'string' },
    file: { type: 'string' },
  },
});
const seed = Number(values.seed);
const all = [...fastTargets, ...wholeTargets];
// Those of wrappers want programs that make their seeds, so they run when they are asked for.
const chosen =
  values.target === undefined
    ? all
    : [...all, ...wrapperTargets, ...wrapperProgramTargets].filter(({ name }) =>
        name.startsWith(values.target ?? ''),
      );
const folder = await mkdtemp(join(tmpdir(), 'fuzz-'));
try {
  if (values.input === undefined) await runAll();
  else await replay(chosen[0] as Target, Number(values.input));
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Half of the time for what runs in this process, half for what starts programs. */
async function runAll(): Promise<void> {
  console.log(`seed ${seed}`);
  let inputs = 0;
  for (const target of chosen) {
    const group = chosen.filter((other) => wholeTargets.includes(other) === wholeTargets.includes(target));
    const part = chosen.length === group.length ? 1 : 0.5;
    const end = performance.now() + (Number(values.seconds) * 1000 * part) / group.length;
    const result = await runTarget(target, seed, folder, () => performance.now() > end);
    inputs += result.inputs;
    const rejected = [...result.rejected].map(([code, count]) => `${code} ${count}`).join(', ');
    const memory = Math.round(process.memoryUsage().rss / 2 ** 20);
    console.log(
      `${target.name}: ${result.inputs} inputs, ${result.taken} taken, rejected: ${rejected || 'none'}; slowest ${result.slowest.toFixed(0)} ms, ${memory} MiB`,
    );
    for (const defect of result.defects) console.log(`DEFECT ${target.name}: ${defect}`);
    if (result.defects.length > 0) process.exitCode = 1;
  }
  console.log(`${inputs} inputs, peak ${readPeak().toFixed(0)} MiB`);
}

async function replay(target: Target, index: number): Promise<void> {
  const given = values.file === undefined ? undefined : await readFile(values.file);
  if (given === undefined) {
    const file = resolve(`fuzz-${target.name}-${seed}-${index}.bin`);
    await writeFile(file, createInput(target, seed, index).bytes);
    console.log(`the input is in ${file}`);
  }
  let ran = false;
  const stop = () => {
    const before = ran;
    ran = true;
    return before;
  };
  const { defects, rejected } = await runTarget(target, seed, folder, stop, index, given);
  console.log(defects[0] ?? `no defect: ${[...rejected.keys()][0] ?? 'taken'}`);
}
