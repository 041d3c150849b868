import type { Entry, EntryType } from '../model/image/entry.js';
import type { Step } from '../model/patch/patch.js';
import type { StepReport } from '../model/result/report.js';

/** A put without what its body comes from; `at`: where the body begins, counted from the first one. */
export type StoredChange =
  | { readonly op: 'put'; readonly entry: Omit<Entry, 'body'>; readonly at: number }
  | { readonly op: 'remove'; readonly path: string };

/** What is kept of the first steps of a plan, before the bodies. */
export interface Head {
  readonly steps: readonly StepReport[];
  readonly warnings: readonly string[];
  readonly bootconfig?: string | undefined;
  readonly changes: readonly StoredChange[];
}

interface Known {
  readonly steps: readonly Step[];
  /** Bytes behind the head. */
  readonly bodies: number;
}

/** Undefined for a text that is no head of just these steps. Error: `SyntaxError` for one that is no JSON. */
export function parseHead(text: string, known: Known): Head | undefined {
  const value: unknown = JSON.parse(text);
  return isHead(value, known) ? value : undefined;
}

type Loose<T> = { readonly [Key in keyof T]?: unknown };

function isHead(value: unknown, { steps, bodies }: Known): value is Head {
  const { steps: reports, warnings, bootconfig, changes } = toObject<Head>(value);
  return (
    Array.isArray(reports) &&
    reports.length === steps.length &&
    reports.every((report, index) => isReport(report, steps[index])) &&
    isTexts(warnings) &&
    (bootconfig === undefined || typeof bootconfig === 'string') &&
    Array.isArray(changes) &&
    changes.every((change) => isChange(change, bodies))
  );
}

function toObject<T>(value: unknown): Loose<T> {
  return typeof value === 'object' && value !== null ? value : {};
}

function isReport(value: unknown, step: Step | undefined): boolean {
  const { kind, summary, changed, notes, packages, paths = [] } = toObject<StepReport>(value);
  return (
    kind === step?.kind &&
    summary === step?.summary &&
    typeof changed === 'boolean' &&
    isTexts(notes) &&
    isTexts(paths) &&
    typeof packages === 'object' &&
    packages !== null &&
    isTexts(Object.values(packages))
  );
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function isChange(value: unknown, bodies: number): boolean {
  const { op, entry, at, path } = toObject<{ op: string; entry: Entry; at: number; path: string }>(value);
  if (op === 'remove') return isPath(path) && path !== '';
  return op === 'put' && isEntry(toObject<Entry>(entry), at, bodies);
}

const types: ReadonlySet<unknown> = new Set<EntryType>([
  'file',
  'directory',
  'symlink',
  'character',
  'block',
  'fifo',
  'socket',
]);
const largest = 0xffffffff;

function isEntry(entry: Loose<Entry>, at: unknown, bodies: number): boolean {
  const { path, type, mode, uid, gid, mtime, size, target } = entry;
  const isShort = type !== 'file' || Number(at) + Number(size) <= bodies;
  return (
    isPath(path) &&
    (path !== '' || type === 'directory') &&
    types.has(type) &&
    [mode, uid, gid, mtime, size].every((number) => isCount(number, largest)) &&
    isCount(at, Number.MAX_SAFE_INTEGER) &&
    isShort &&
    (type === 'symlink' ? typeof target === 'string' : target === undefined)
  );
}

function isCount(value: unknown, most: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= most;
}

/** As `Entry.path`. */
function isPath(path: unknown): boolean {
  if (typeof path !== 'string' || path.includes('\0')) return false;
  return path === '' || path.split('/').every((name) => name !== '' && name !== '.' && name !== '..');
}
