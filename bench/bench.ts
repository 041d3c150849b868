import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compareResults } from './compare.js';
import { measureGrowth } from './growth/growth.js';
import { makeInputs, nameInputs } from './inputs.js';
import { renderResults } from './render.js';
import { describeMachine, parseResults, type Results, resultsVersion } from './results.js';
import type { Row } from './row.js';
import { listRows } from './rows/index.js';
import { runRows } from './run-rows.js';
import { runShell } from './shell.js';
import { type OpenBench, openBench } from './workplace.js';

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
const runs = readNumber('runs', values.runs);
const minutes = readNumber('minutes', values.minutes);
const largest = readNumber('largest', values.largest);
try {
  if (values.growth) {
    await using bench = await openBench();
    await measureGrowth(bench, { cache, largest: largest * 1e6 });
  } else await runBench();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}

async function runBench(): Promise<void> {
  // Read first: a run of a quarter of an hour must not end with a missing file.
  const stored = values.compare ? parseResults(file, await readStored()) : undefined;
  const results = await measureAll();
  const text = renderResults(results);
  process.stdout.write(text);
  if (stored !== undefined) return tell(stored, results);
  if (values.only === undefined || values.stored !== undefined)
    await writeFile(file, `${JSON.stringify(results, null, 1)}\n`);
  if (values.only === undefined && values.stored === undefined)
    await writeFile(resolve('bench/RESULTS.md'), text);
}

async function readStored(): Promise<string> {
  return readFile(file, 'utf8').catch((error: Error) => {
    throw new Error(`${error.message}; to store results: npm run bench -- --stored ${file}`);
  });
}

async function measureAll(): Promise<Results> {
  await using bench = await openBench();
  return {
    version: resultsVersion,
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    runs,
    programs: await listPrograms(),
    rows: await runRows(await prepareRows(bench), { runs, minutes, place: bench.place }),
  };
}

/** The wanted rows, with the files that they read. */
async function prepareRows(bench: OpenBench): Promise<readonly Row[]> {
  const known = listRows({ ...bench, inputs: nameInputs(cache) });
  const ids = values.only?.split(',') ?? known.map(({ id }) => id);
  const unknown = ids.filter((id) => !known.some((row) => row.id === id));
  if (unknown.length > 0)
    throw new Error(`no row is called ${unknown.join(', ')}; rows: ${known.map(({ id }) => id).join(', ')}`);
  const wanted = known.filter(({ id, missing }) => ids.includes(id) && missing === undefined);
  const { inputs, failed } = await makeInputs(cache, new Set(wanted.flatMap(({ reads = [] }) => reads)));
  return listRows({ ...bench, inputs })
    .filter(({ id }) => ids.includes(id))
    .map((row) => {
      const missing =
        row.missing ?? row.reads?.map((path) => failed.get(path)).find((each) => each !== undefined);
      return missing === undefined ? row : { ...row, missing };
    });
}

/** Exit code 1: a row became slower. */
function tell(stored: Results, results: Results): void {
  const { lines, worse } = compareResults(stored, results, { isWhole: values.only === undefined });
  console.error(`\nAgainst ${file} of ${stored.date}:\n${lines.join('\n')}`);
  if (worse.length > 0) process.exitCode = 1;
}

function readNumber(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && (name !== 'runs' || Number.isInteger(value))) return value;
  console.error(`--${name} ${text}: a number above 0 is needed`);
  process.exit(2);
}

async function listPrograms(): Promise<string[]> {
  const packages =
    'libarchive-tools initramfs-tools-core cpio gzip pigz libdeflate-tools zstd xz-utils xorriso binutils squashfs-tools squashfs-tools-ng erofs-utils qemu-system-x86 docker.io';
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
