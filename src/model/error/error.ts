import type { ErrorCode } from './error-code.js';
import { usualHints } from './usual-hints.js';

/** How an error ends the program; the numbers are the exit codes of the command line. */
export const exitCodes = {
  /** A step, a write or a check went wrong although the input was right. */
  failed: 1,
  /** The user's input (arguments, image, patch, configuration) is wrong. */
  invalid: 2,
  /** `status`: the installed image is not in the wanted state. */
  unwanted: 3,
  /** The image was written and read back, but its boot was refused. */
  boot: 4,
  /** A program, a daemon, memory or disk that the work needs is missing or broken. */
  infrastructure: 5,
  /** `reapply`: there was nothing to do. */
  unchanged: 6,
  interrupted: 130,
} as const;

export type ErrorKind = keyof typeof exitCodes;

export interface ErrorDetails {
  /** What to do next: a command to type where there is one. */
  readonly hint?: string | undefined;
  /** The file, patch or path inside the image that the message is about; `FILE:LINE:COLUMN` for text. */
  readonly path?: string | undefined;
  /** Bytes from the start of the file named by `path`. */
  readonly offset?: number | undefined;
  /** All that a program printed, as far as it was kept, where the message has its last lines. */
  readonly output?: string | undefined;
  readonly cause?: unknown;
  /** The single errors, where this one stands for several. */
  readonly problems?: readonly MobyPatchError[] | undefined;
}

/**
 * The one error of this project. The message says what was found and what was wanted;
 * `code` is stable and meant for scripts; anything else that is thrown is a defect of ours.
 */
export class MobyPatchError extends Error {
  readonly kind: ErrorKind;
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly path: string | undefined;
  readonly offset: number | undefined;
  readonly output: string | undefined;
  readonly problems: readonly MobyPatchError[] | undefined;

  constructor(kind: ErrorKind, code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'MobyPatchError';
    this.kind = kind;
    this.code = code;
    this.hint = details.hint;
    this.path = details.path;
    this.offset = details.offset;
    this.output = details.output;
    this.problems = details.problems;
  }
}

/** One error for several that were found together; a single one stays itself. The user's own faults decide its kind. */
export function uniteErrors(
  code: ErrorCode,
  message: string,
  problems: readonly [MobyPatchError, ...MobyPatchError[]],
): MobyPatchError {
  const [first, ...rest] = problems;
  if (rest.length === 0) return first;
  const { kind } = problems.find((each) => each.kind === 'invalid') ?? first;
  const texts = problems.map((each) => `${each.message} [${each.code}]`);
  return new MobyPatchError(kind, code, `${message}: ${texts.join('; ')}`, { problems });
}

/** Refuses all problems in one error: `build-impossible` where there are several. */
export function refuseProblems(problems: readonly MobyPatchError[]): void {
  const [first, ...rest] = problems;
  if (first === undefined) return;
  const count = problems.length;
  throw uniteErrors('build-impossible', `${count} problems, found before the first step`, [first, ...rest]);
}

/** The data of an error, as reports carry it. */
export interface ErrorReport {
  readonly kind: ErrorKind;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly path?: string | undefined;
  readonly offset?: number | undefined;
  readonly output?: string | undefined;
  readonly problems?: readonly ErrorReport[] | undefined;
}

export interface MachineFault {
  readonly reason: string;
  /** What to do about it. */
  readonly hint: string;
}

const noRoom = 'make room on the disk';

/** What the system answers when the machine, not the input, is at fault. */
const machineFaults: ReadonlyMap<string, MachineFault> = new Map([
  ['ENOSPC', { reason: 'the disk is full', hint: noRoom }],
  ['EDQUOT', { reason: 'the quota of this user is used up', hint: noRoom }],
  [
    'EIO',
    { reason: 'the disk does not work', hint: 'look at the log of the system (dmesg); check the disk' },
  ],
  ['EROFS', { reason: 'the disk is mounted read-only', hint: 'mount it so that it can be written' }],
  ['ENOMEM', { reason: 'there is no memory left', hint: 'end other programs' }],
  [
    'EMFILE',
    { reason: 'this process has too many open files', hint: 'raise the limit of open files: ulimit -n 1024' },
  ],
  ['ENFILE', { reason: 'the machine has too many open files', hint: 'sysctl fs.file-max' }],
]);

/** The fault of the machine behind an error of the system; its code and call are in the reason. Undefined: there is none. */
export function findMachineFault(error: unknown): MachineFault | undefined {
  const { code, syscall } = (error ?? {}) as { readonly code?: unknown; readonly syscall?: unknown };
  const fault = typeof code === 'string' ? machineFaults.get(code) : undefined;
  if (fault === undefined) return undefined;
  const place = typeof syscall === 'string' ? ` at ${syscall}` : '';
  return { ...fault, reason: `${fault.reason} (${code}${place})` };
}

/**
 * Never throws. An error without a hint gets the usual one of its code; an error of the system keeps its code; anything
 * else has the code `internal` and is our defect.
 */
export function createErrorReport(thrown: unknown): ErrorReport {
  const error = findFirst(thrown);
  if (error instanceof MobyPatchError) {
    const { kind, code, message, hint, path, offset, output, problems } = error;
    const known = { kind, code, message, hint: hint ?? usualHints[code], path, offset };
    const report = output === undefined ? known : { ...known, output };
    return problems === undefined ? report : { ...report, problems: problems.map(createErrorReport) };
  }
  const { name, message, path }: Partial<NodeError> & { message: string } =
    error instanceof Error ? error : { message: String(error) };
  if (name === 'AbortError')
    return { kind: 'interrupted', code: 'interrupted', message: 'interrupted; nothing was replaced' };
  const fault = findMachineFault(error);
  if (fault !== undefined)
    return { kind: 'infrastructure', code: 'machine-fault', message: fault.reason, hint: fault.hint, path };
  return {
    kind: 'failed',
    code: 'internal',
    message,
    hint: 'this is a defect of moby-patch: please report it',
    path,
  };
}

/** Where closing a resource fails too, `await using` hides the error that came first. */
function findFirst(error: unknown): unknown {
  const { name, suppressed } = (error ?? {}) as { readonly name?: unknown; readonly suppressed?: unknown };
  return name === 'SuppressedError' && suppressed !== undefined ? findFirst(suppressed) : error;
}

interface NodeError extends Error {
  readonly path?: string;
}
