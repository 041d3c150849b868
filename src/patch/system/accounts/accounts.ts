import type { Workspace } from '../../../model/patch/workspace.js';
import type { StepContext } from '../step-context.js';
import { findLineBreak, joinLines, readTextFile, splitLines } from '../text-file.js';

// The files of passwd(5), group(5), shadow(5) and gshadow(5): lines of fields with colons between them. They are
// changed line by line; every other line keeps its bytes.

/** The fields of each line. */
export type Accounts = readonly (readonly string[])[];

export async function readAccounts(
  workspace: Workspace,
  context: StepContext,
  path: string,
): Promise<Accounts> {
  return parseAccounts((await readTextFile(workspace, context, path)) ?? '');
}

export function parseAccounts(text: string): Accounts {
  return splitLines(text)
    .map((line) => line.text.split(':'))
    .filter(([name]) => name !== undefined && name !== '' && !/^[#+-]/.test(name));
}

export function listNames(accounts: Accounts): readonly string[] {
  return accounts.map(([name = '']) => name);
}

/** Adds a line. A line that begins with + stands for all accounts of a directory service, and what follows it is not read. */
export function addAccount(text: string, fields: readonly string[]): string {
  const lines = splitLines(text);
  const directory = lines.findIndex((line) => line.text.startsWith('+'));
  const line = { text: fields.join(':'), end: findLineBreak(lines) };
  const at = directory < 0 ? lines.length : directory;
  return joinLines([...lines.slice(0, at), line, ...lines.slice(at)]);
}

/** Changes the fields of one account. */
export function changeAccount(
  text: string,
  name: string,
  change: (fields: readonly string[]) => readonly string[],
): string {
  const lines = splitLines(text);
  const at = lines.findIndex((line) => line.text.split(':')[0] === name);
  const old = lines[at];
  if (old === undefined) return text;
  const fields = change(old.text.split(':')).join(':');
  return fields === old.text ? text : joinLines(lines.with(at, { ...old, text: fields }));
}

/** Adds a member to a comma-separated field. */
export function addMember(fields: readonly string[], index: number, name: string): readonly string[] {
  const members = (fields[index] ?? '').split(',').filter((member) => member !== '');
  if (members.includes(name)) return fields;
  const padded = Array.from({ length: Math.max(fields.length, index + 1) }, (_, at) => fields[at] ?? '');
  return padded.with(index, [...members, name].join(','));
}

const ranges = { regular: [1000, 59999], system: [100, 999] } as const;

/**
 * A free number: for people the lowest one, for the system the highest. Scripts of packages (Debian's adduser --system,
 * busybox adduser -S) take the lowest one there: the number that they get does not depend on what a step added before.
 */
export function chooseId(
  used: ReadonlySet<number>,
  { system }: { readonly system: boolean },
): number | undefined {
  const [first, last] = ranges[system ? 'system' : 'regular'];
  for (let at = 0; at <= last - first; at += 1) {
    const id = system ? last - at : first + at;
    if (!used.has(id)) return id;
  }
  return undefined;
}

export function listIds(accounts: Accounts): number[] {
  return accounts.map((fields) => Number(fields[2]));
}
