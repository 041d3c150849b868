import { type Command, InvalidArgumentError } from 'commander';

/** Adds a value of an option that may be given many times to those before it. */
type Collector<T> = ((value: string, before?: readonly T[]) => readonly T[]) & { readonly collects: true };

/** `read` throws `InvalidArgumentError` for a value that it refuses. */
export function createCollector<T>(read: (value: string) => T): Collector<T> {
  const add = (value: string, before: readonly T[] = []): readonly T[] => [...before, read(value)];
  return Object.assign(add, { collects: true as const });
}

/** Whether an option with this function may be given many times. */
export function isCollector(parse: unknown): boolean {
  return typeof parse === 'function' && 'collects' in parse;
}

export const collect = createCollector((text) => text);

/** The same, of texts that are not empty: an empty one is mostly a variable without a value. */
export const collectText = createCollector((text) => {
  if (text === '') throw new InvalidArgumentError('wanted a text that is not empty');
  return text;
});

export const collectPort = createCollector((text) => {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new InvalidArgumentError('wanted a port from 1 to 65535');
  return port;
});

export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('wanted a whole number above 0');
  return Number(text);
}

/** Bytes of a unit in an archive, in which everything begins at a multiple of four. */
export function parseAlignment(text: string): number {
  const value = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0;
  if (value === 0 || value % 4 !== 0) throw new InvalidArgumentError('wanted a multiple of 4, like 4096');
  return value;
}

/** A place in a list, from 0. */
export function parseIndex(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('wanted a whole number from 0');
  return Number(text);
}

/** A level of compression; the codec decides which ones exist. */
export function parseLevel(text: string): number {
  if (!/^\d{1,2}$/.test(text)) throw new InvalidArgumentError('wanted a whole number, like 6');
  return Number(text);
}

export interface ReportFlags {
  readonly report?: readonly string[];
}

/** For a command that makes a Report; `withReports` writes it. */
export function addReportOption(command: Command): Command {
  return command.option(
    '--report <file>',
    'also write the report to this file: .md, .html, .json, .junit.xml or .txt (repeatable)',
    collect,
  );
}
