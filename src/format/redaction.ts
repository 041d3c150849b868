import { MobyPatchError } from '../model/error.js';
import type { Secret } from '../model/secret.js';
import type { OutputFilter } from '../model/workspace.js';
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
  const text = (from: string) =>
    needles.reduce((left, needle) => left.replaceAll(needle.text, () => needle.name), from);

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
    createFilter: () => createFilter(needles),
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
    const { kind, hint, offset, problems } = error;
    return new MobyPatchError(kind, error.code, text(error.message), {
      path: shown,
      offset,
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

/** Holds back only what may be the beginning of a secret. */
function createFilter(needles: readonly Needle[]): OutputFilter {
  let held: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      const { done, rest } = replaceNeedles(Buffer.concat([held, chunk]), needles);
      const kept = measureBeginning(rest, needles);
      held = Buffer.from(rest.subarray(rest.length - kept));
      return Buffer.concat([...done, rest.subarray(0, rest.length - kept)]);
    },
    end() {
      const left = held;
      held = Buffer.alloc(0);
      return left;
    },
  };
}

/** `rest`: what follows the last secret. */
function replaceNeedles(bytes: Buffer, needles: readonly Needle[]): { done: Buffer[]; rest: Buffer } {
  const done: Buffer[] = [];
  let rest = bytes;
  for (;;) {
    const found = findFirst(rest, needles);
    if (found === undefined) return { done, rest };
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

/** How many bytes at the end begin a secret. */
function measureBeginning(bytes: Buffer, needles: readonly Needle[]): number {
  const longest = needles[0]?.bytes.length ?? 0;
  for (let length = Math.min(longest - 1, bytes.length); length > 0; length -= 1) {
    const end = bytes.subarray(bytes.length - length);
    if (needles.some((needle) => needle.bytes[0] === end[0] && needle.bytes.subarray(0, length).equals(end)))
      return length;
  }
  return 0;
}
