import type { Command, CommanderError } from 'commander';
import { MobyPatchError } from '../../model/error/error.js';
import type { ErrorCode } from '../../model/error/error-code.js';
import { findSimilar, suggest } from '../../yaml/did-you-mean.js';

/** What the scripts of `completion` call; no help names it. */
export const completerName = '__complete';

/** What people type for a command that has another name here. */
const meant: ReadonlyMap<string, string> = new Map(
  Object.entries({
    version: 'moby-patch --version',
    list: 'moby-patch ls IMAGE; the patches: moby-patch patches',
    patch: 'moby-patch build -i IMAGE -p PATCH',
    run: 'moby-patch build -i IMAGE -p PATCH',
    'dry-run': 'moby-patch plan -i IMAGE -p PATCH',
    extract: 'moby-patch unpack IMAGE -o FOLDER',
    pack: 'moby-patch repack FOLDER -o IMAGE',
    info: 'moby-patch inspect IMAGE',
    show: 'moby-patch inspect IMAGE',
    test: 'moby-patch verify IMAGE',
    boot: 'moby-patch verify IMAGE',
    validate: 'moby-patch check PATCH',
    lint: 'moby-patch check PATCH',
    install: 'moby-patch apply -i IMAGE -p PATCH',
    undo: 'moby-patch restore -i IMAGE',
    rollback: 'moby-patch restore -i IMAGE',
    upgrade: 'moby-patch reapply -i IMAGE',
    clean: 'moby-patch prune',
    new: 'moby-patch init',
  }),
);

/** The same for options. */
const meantOptions: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '--dry-run': 'moby-patch plan, with the same options',
    '-n': 'moby-patch plan, with the same options',
    '--version': 'moby-patch --version',
    '-v': 'moby-patch --version; progress is on standard error already',
    '--verbose': 'nothing: progress is on standard error already, and --report FILE.json has everything',
    '--no-boot': 'moby-patch build --no-verify',
    '--append': 'moby-patch build --mode append',
  }),
);

/** Options of builds that people give to `lock`, which takes the output of a build. */
const builds = new Set(['-i', '--image', '-p', '--patch', '-s', '--set', '-o', '--output']);
const lockHint = 'moby-patch build with these options, then moby-patch lock OUTPUT';

const codes: Readonly<Record<string, ErrorCode>> = {
  'commander.unknownCommand': 'command-unknown',
  'commander.unknownOption': 'option-unknown',
  'commander.missingArgument': 'arguments-wrong',
  'commander.excessArguments': 'arguments-wrong',
};

/**
 * What commander refuses, in the form of every other error. `command`: the one that was reached; `rest`: the arguments
 * that it got and does not take.
 */
export function createUsageError(
  { code, message }: CommanderError,
  command: Command,
  rest: readonly string[],
): MobyPatchError {
  const [text = ''] = message.replace(/^error: /, '').split('\n');
  const wrong = /'([^']+)'/.exec(text)?.[1] ?? '';
  const path = `moby-patch ${nameCommand(command)}`.trimEnd();
  const help = `${path} --help`;
  // Commander's own proposal shares a letter here and there: --memory for --report.
  const similar = findSimilar(wrong, listNames(command, code));
  const hints: Readonly<Record<string, string | undefined>> = {
    'commander.unknownCommand': meant.get(wrong) ?? (similar && `${path} ${similar}`),
    'commander.unknownOption':
      (command.name() === 'lock' && builds.has(wrong) ? lockHint : undefined) ??
      meantOptions.get(wrong) ??
      (similar && `${path} ${similar}`),
    'commander.excessArguments': nameImage(command, path, rest),
  };
  return new MobyPatchError('invalid', codes[code] ?? 'option-wrong', sayPlainly(text), {
    hint: hints[code] ?? help,
  });
}

/** What could have been meant: options of the command, or its commands. */
function listNames(command: Command, code: string): string[] {
  if (code === 'commander.unknownCommand') return command.commands.map((each) => each.name());
  return command.options.flatMap(({ long, hidden }) => (hidden || !long ? [] : [long]));
}

/** `wanted` as in all other messages. */
function sayPlainly(text: string): string {
  return text
    .replace(/^command-argument value '(.*)' is invalid for argument '(.*)'/, "argument '$2' is '$1'")
    .replace(/\. Allowed choices are (.*)$/, ', wanted one of $1')
    .replace(/\.$/, '');
}

/** For `help NAME`. */
export function createUnknownHelp(parent: Command, name: string): MobyPatchError {
  const names = parent.commands.map((each) => each.name());
  const path = `moby-patch ${nameCommand(parent)}`.trimEnd();
  const message = `there is no command '${name}' to help with${suggest(name, names)}`;
  const hint = meant.get(name) ?? `${path} --help`;
  return new MobyPatchError('invalid', 'command-unknown', message, { hint });
}

/** A command that takes no arguments is often given its image, or a patch, as one; `patches NAME` means `patches show NAME`. */
function nameImage(command: Command, path: string, [first]: readonly string[]): string | undefined {
  if (first === undefined || command.registeredArguments.length > 0) return undefined;
  if (command.commands.some((each) => each.name() === 'show')) return `${path} show ${first}`;
  const wanted = /\.ya?ml$/.test(first) ? ['--patch', '-p'] : ['--image', '-i'];
  const [long, short] = wanted;
  return command.options.some((option) => option.long === long) ? `${path} ${short} ${first}` : undefined;
}

/** `host nfs`; empty for the program itself. */
export function nameCommand(command: Command): string {
  return command.parent === null ? '' : `${nameCommand(command.parent)} ${command.name()}`.trimStart();
}
