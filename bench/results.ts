import { availableParallelism, cpus, release, totalmem } from 'node:os';
import type { Measured } from './contender.js';
import type { Judgement } from './goals.js';
import type { Row } from './row.js';

/** The form of `results.json`; raised when older files cannot be compared any more. */
export const resultsVersion = 1;

export interface MeasuredRow {
  readonly id: string;
  readonly work: string;
  readonly note?: string | undefined;
  /** Why it did not run: then nothing was measured. */
  readonly missing?: string | undefined;
  /** Ours first. */
  readonly measured: readonly Measured[];
  readonly goals: readonly Judgement[];
}

/** What a bench leaves in `results.json`, and what RESULTS.md is made of. */
export interface Results {
  readonly version: typeof resultsVersion;
  readonly date: string;
  readonly machine: string;
  readonly runs: number;
  /** Name and version of each peer. */
  readonly programs: readonly string[];
  readonly rows: readonly MeasuredRow[];
}

/** Reads a stored file. Error: what is wrong with it, and how to make another. */
export function parseResults(path: string, text: string): Results {
  const problem = findProblem(text);
  if (typeof problem === 'object') return problem;
  throw new Error(`${path} ${problem}; to store new results: npm run bench -- --stored ${path}`);
}

function findProblem(text: string): Results | string {
  let value: Partial<Results> | null;
  try {
    value = JSON.parse(text) as Partial<Results> | null;
  } catch (error) {
    return `is damaged: ${(error as Error).message}`;
  }
  if (typeof value !== 'object' || value === null || value.version === undefined)
    return 'has no results of the bench';
  if (value.version !== resultsVersion)
    return `has version ${value.version}, and ${resultsVersion} is needed`;
  if (!Array.isArray(value.rows) || !value.rows.every(isRow)) return 'is damaged: a row has no measurements';
  if (typeof value.machine !== 'string' || !Array.isArray(value.programs))
    return 'is damaged: it does not say what it was measured on';
  return value as Results;
}

function isRow(value: unknown): boolean {
  const row = value as Partial<MeasuredRow> | null;
  return (
    typeof row?.id === 'string' &&
    Array.isArray(row.measured) &&
    row.measured.every(({ name, seconds }) => typeof name === 'string' && Array.isArray(seconds))
  );
}

export function describeMachine(): string {
  const memory = Math.round(totalmem() / 2 ** 30);
  const model = cpus()[0]?.model.trim();
  return `${model}, ${availableParallelism()} cores, ${memory} GiB, Linux ${release()}, Node ${process.version}`;
}

export function judgeRow({ id, work, note, goals }: Row, measured: readonly Measured[]): MeasuredRow {
  const missing = measured[0]?.missing;
  return { id, work, note, missing, measured, goals: goals.map((goal) => goal(measured)) };
}

export function leaveOut({ id, work, note }: Row, missing: string): MeasuredRow {
  return { id, work, note, missing, measured: [], goals: [] };
}
