import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compareResults } from './compare.js';
import { measureGrowth } from './growth/growth.js';
import { prepareInputs } from './inputs.js';
import { renderResults } from './render.js';
import { describeMachine, type Results, resultsVersion } from './results.js';
import { listRows } from './rows/index.js';
import { runRows } from './run-rows.js';
import { runShell } from './shell.js';
import { openBench } from './workplace.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    /** Ids of rows, separated by commas. */
    only: { type: 'string' },
    /** After so many minutes no further row begins; the results say which ones were left out. */
    minutes: { type: 'string', default: 'Infinity' },
    /** Holds the run against the stored results, and writes nothing. */
    compare: { type: 'boolean', default: false },
    /** The stored results; default: bench/results.json, which only a run of all rows replaces. */
    stored: { type: 'string' },
    /** How time and memory grow, instead of the rows. */
    growth: { type: 'boolean', default: false },
    /** Of the largest image of `--growth`, unpacked: MB. */
    largest: { type: 'string', default: '4000' },
  },
});

const cache = resolve('build/cache');
const file = values.stored ?? 'bench/results.json';
if (values.growth) {
  await using bench = await openBench();
  await measureGrowth(bench, { cache, largest: Number(values.largest) * 1e6 });
} else if (values.compare) {
  // Read first: a run of a quarter of an hour must not end with a missing file.
  const stored = await readStored();
  const results = await measureAll();
  process.stdout.write(renderResults(results));
  tell(stored, results);
} else {
  const results = await measureAll();
  const text = renderResults(results);
  process.stdout.write(text);
  if (values.only === undefined || values.stored !== undefined)
    await writeFile(file, `${JSON.stringify(results, null, 1)}\n`);
  if (values.only === undefined && values.stored === undefined)
    await writeFile(resolve('bench/RESULTS.md'), text);
}

async function readStored(): Promise<Results> {
  const stored = JSON.parse(await readFile(file, 'utf8')) as Results;
  if (stored.version === resultsVersion) return stored;
  throw new Error(`${file} has version ${stored.version}, and ${resultsVersion} is needed`);
}

async function measureAll(): Promise<Results> {
  await using bench = await openBench();
  const rows = listRows({ ...bench, inputs: await prepareInputs(cache) });
  const only = values.only?.split(',');
  const wanted = rows.filter(({ id }) => only?.includes(id) ?? true);
  const runs = Number(values.runs);
  return {
    version: resultsVersion,
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    runs,
    programs: await listPrograms(),
    rows: await runRows(wanted, { runs, minutes: Number(values.minutes), place: bench.place }),
  };
}

/** Exit code 1: a row became slower. */
function tell(stored: Results, results: Results): void {
  const { lines, worse } = compareResults(stored, results);
  console.error(`\nAgainst ${file} of ${stored.date}:\n${lines.join('\n')}`);
  if (worse.length > 0) process.exitCode = 1;
}

async function listPrograms(): Promise<string[]> {
  const packages =
    'libarchive-tools initramfs-tools-core cpio gzip pigz libdeflate-tools zstd xz-utils xorriso qemu-system-x86 docker.io';
  const output = await runShell(
    `dpkg-query -W -f '\${Package} \${Version}\\n' ${packages} 2> /dev/null || true`,
    {
      folder: '.',
      environment: {},
    },
  );
  return output
    .trim()
    .split('\n')
    .filter((line) => / \S/.test(line));
}
