import { MobyPatchError } from '../model/error/error.js';
import type { Secret } from '../model/patch/secret.js';
import type { OutputFilter } from '../model/patch/workspace.js';
import { type ByteSearch, createByteSearch } from './byte-search.js';
import { listForms, shortestSecret } from './secret-forms.js';

/** Puts what reports show in the place of secrets. */
export interface Redaction {
  text(text: string): string;
  /** In every text of a JSON value. */
  value<T>(value: T): T;
  /** The same error without its cause, whose texts nobody has looked through. */
  error(error: unknown): unknown;
  /** For bytes as they come. */
  createFilter(): OutputFilter;
}

type Shown = Pick<Secret, 'value' | 'shown'>;

/** Columns at which programs break base64. */
const columns = [64, 76];

export function createRedaction(secrets: readonly Shown[]): Redaction {
  const needles = secrets.flatMap(({ value, shown }) =>
    listTexts(value).map((text) => ({
      text,
      bytes: Buffer.from(text),
      shown: Buffer.from(shown),
      name: shown,
    })),
  );
  // The longest first: a form may be a part of another.
  needles.sort((one, other) => other.text.length - one.text.length);
  const find = createByteSearch(needles.map(({ bytes }) => bytes));
  const measure = createMeasure(needles);
  // Most texts hold nothing: one pass says so.
  const text = (from: string) =>
    from.length < shortestSecret || find(Buffer.from(from)).size === 0
      ? from
      : needles.reduce((left, needle) => left.replaceAll(needle.text, () => needle.name), from);

  function value<T>(from: T): T {
    if (needles.length === 0) return from;
    return redactValue(from, text) as T;
  }

  return {
    text,
    value,
    error(error) {
      if (needles.length === 0 || !(error instanceof Error)) return error;
      return redactError(error, text);
    },
    createFilter: () => createFilter(needles, { find, measure }),
  };
}

/** What a line of output may hold of a secret. */
function listTexts(value: string): string[] {
  const lines = value
    .split(/\r?\n/)
    .filter((line) => line.length >= shortestSecret && !line.startsWith('-----'));
  const forms = listForms(value);
  const encoded = forms.filter((form) => /^[\w+/-]+$/.test(form));
  const wrapped = encoded.flatMap((form) => columns.flatMap((width) => cut(form, width)));
  return [...new Set([value, ...forms, ...lines, ...wrapped])];
}

function cut(text: string, width: number): string[] {
  if (text.length <= width) return [];
  const count = Math.ceil(text.length / width);
  return Array.from({ length: count }, (_, at) => text.slice(at * width, (at + 1) * width)).filter(
    (part) => part.length >= 2 * shortestSecret,
  );
}

function redactValue(value: unknown, text: (from: string) => string): unknown {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return value.map((item) => redactValue(item, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redactValue(item, text)]));
}

function redactError(error: Error, text: (from: string) => string): Error {
  const { code, path } = error as { readonly code?: string; readonly path?: string };
  const shown = path === undefined ? undefined : text(path);
  if (error instanceof MobyPatchError) {
    const { kind, hint, offset, output, problems } = error;
    return new MobyPatchError(kind, error.code, text(error.message), {
      path: shown,
      offset,
      output: output && text(output),
      hint: hint === undefined ? undefined : text(hint),
      problems: problems?.map((problem) => redactError(problem, text) as MobyPatchError),
    });
  }
  const copy = Object.assign(new Error(text(error.message)), { name: error.name, code, path: shown });
  copy.stack = text(error.stack ?? '');
  return copy;
}

interface Needle {
  readonly bytes: Buffer;
  readonly shown: Buffer;
}

interface Finders {
  readonly find: ByteSearch;
  readonly measure: Measure;
}

/** Holds back only what may be the beginning of a secret. */
function createFilter(needles: readonly Needle[], { find, measure }: Finders): OutputFilter {
  let held: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      const bytes = Buffer.concat([held, chunk]);
      // A secret may begin another one that is not all there yet: then it waits.
      const open = bytes.length - measure(bytes);
      const { done, rest } =
        find(bytes).size === 0 ? { done: [], rest: bytes } : replaceNeedles(bytes, needles, open);
      // Where a secret reached beyond `open`, another may begin behind it.
      const kept = bytes.length - rest.length <= open ? bytes.length - open : measure(rest);
      held = Buffer.from(rest.subarray(rest.length - kept));
      return Buffer.concat([...done, rest.subarray(0, rest.length - kept)]);
    },
    end() {
      const { done, rest } = replaceNeedles(held, needles, held.length);
      held = Buffer.alloc(0);
      return Buffer.concat([...done, rest]);
    },
  };
}

/** Replaces secrets that begin before `open`. `rest`: what follows the last of them. */
function replaceNeedles(
  bytes: Buffer,
  needles: readonly Needle[],
  open: number,
): { done: Buffer[]; rest: Buffer } {
  const done: Buffer[] = [];
  let rest = bytes;
  for (;;) {
    const found = findFirst(rest, needles);
    if (found === undefined || bytes.length - rest.length + found.at >= open) return { done, rest };
    done.push(rest.subarray(0, found.at), found.needle.shown);
    rest = rest.subarray(found.at + found.needle.bytes.length);
  }
}

/** Of those at one place, the longest: it comes first in the list. */
function findFirst(bytes: Buffer, needles: readonly Needle[]) {
  let first: { readonly at: number; readonly needle: Needle } | undefined;
  for (const needle of needles) {
    const at = bytes.indexOf(needle.bytes);
    if (at >= 0 && (first === undefined || at < first.at)) first = { at, needle };
  }
  return first;
}

type Measure = (bytes: Buffer) => number;

/** How many bytes at the end begin a needle. A place is looked at closely only where two bytes of one begin. */
function createMeasure(needles: readonly Needle[]): Measure {
  const longest = needles.reduce((most, { bytes }) => Math.max(most, bytes.length), 0);
  const firsts = new Set(needles.map(({ bytes }) => bytes[0]));
  const pairs = new Uint8Array(65536);
  const starts = new Map<number, Buffer[]>();
  for (const { bytes } of needles) {
    const pair = bytes.readUInt16BE(0);
    pairs[pair] = 1;
    starts.set(pair, [...(starts.get(pair) ?? []), bytes]);
  }
  return (bytes) => {
    const last = bytes.length - 1;
    for (let at = Math.max(0, bytes.length - longest + 1); at < last; at += 1) {
      const pair = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      if (pairs[pair] === 0) continue;
      const rest = bytes.subarray(at);
      const isBeginning = (needle: Buffer) =>
        needle.length > rest.length && needle.subarray(0, rest.length).equals(rest);
      if (starts.get(pair)?.some(isBeginning)) return rest.length;
    }
    return last >= 0 && firsts.has(bytes[last]) ? 1 : 0;
  };
}
