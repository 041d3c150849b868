import type { Argument, Command, Option } from 'commander';

export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** What a value is, for those of which the program knows more than that it is a text. */
export type ValueKind = 'image' | 'patch' | 'setting' | 'codec' | 'files' | 'folders';

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** What stands before the value in the word: `--engine=`. */
  readonly prefix: string;
  /** What there is of the value. */
  readonly typed: string;
  /** What else the value may be. */
  readonly values?: ValueKind | undefined;
  /** The patches that the words name. */
  readonly patches: readonly string[];
}

/** The names that options and arguments give their values -> what these are; undefined: nobody can know. */
export const valueKinds: Readonly<Record<string, ValueKind | undefined>> = {
  image: 'image',
  a: 'image',
  b: 'image',
  patch: 'patch',
  'name=value': 'setting',
  codec: 'codec',
  file: 'files',
  place: 'files',
  output: 'files',
  directory: 'folders',
  path: undefined,
  'path[=text]': undefined,
  glob: undefined,
  regex: undefined,
  text: undefined,
  MiB: undefined,
  seconds: undefined,
  number: undefined,
  bytes: undefined,
  times: undefined,
  'uid:gid': undefined,
};

/** What may stand in the place of the last word; the words are those behind the name of the program. */
export function completeWords(program: Command, words: readonly string[]): Completion {
  const typed = words.at(-1) ?? '';
  const { command, parent, option, position, isEnded, patches } = readWords(program, words.slice(0, -1));
  const whole = { prefix: '', typed, patches };
  if (option !== undefined) return { ...whole, ...completeValue(option) };
  const [, name = '', value = ''] = /^(--[^=]+)=(.*)$/s.exec(typed) ?? [];
  const assigned = isEnded ? undefined : findOption(command, name);
  if (assigned !== undefined && takesValue(assigned))
    return { ...whole, prefix: `${name}=`, typed: value, ...completeValue(assigned) };
  const argument = findArgument(command, position);
  const commands = listCommands(command);
  if (!isEnded && (typed.startsWith('-') || (argument === undefined && commands.length === 0)))
    return { ...whole, candidates: listOptions(command, typed) };
  if (argument === undefined) return { ...whole, candidates: position === 0 ? commands : [] };
  // Of the `help` that every command with commands has.
  if (argument.name() === 'command') return { ...whole, candidates: listCommands(parent) };
  return { ...whole, ...completeValue(argument) };
}

interface Place {
  readonly command: Command;
  readonly parent: Command;
  /** The option whose value comes next. */
  readonly option: Option | undefined;
  /** Arguments of the command so far. */
  readonly position: number;
  /** Whether `--` was there: no options come any more. */
  readonly isEnded: boolean;
  readonly patches: readonly string[];
}

function readWords(program: Command, words: readonly string[]): Place {
  let command = program;
  let parent = program;
  let option: Option | undefined;
  let position = 0;
  let isEnded = false;
  const patches: string[] = [];
  for (const word of words) {
    if (option !== undefined) {
      if (option.long === '--patch') patches.push(word);
      option = undefined;
    } else if (!isEnded && word === '--') isEnded = true;
    else if (!isEnded && /^-./.test(word)) {
      const [name = '', ...value] = word.split('=');
      const found = findOption(command, name);
      if (found === undefined || !takesValue(found)) continue;
      if (value.length === 0) option = found;
      else if (found.long === '--patch') patches.push(value.join('='));
    } else {
      const next = position === 0 ? findCommand(command, word) : undefined;
      if (next === undefined) position += 1;
      else [parent, command] = [command, next];
    }
  }
  return { command, parent, option, position, isEnded, patches };
}

function completeValue(asked: Option | Argument): Pick<Completion, 'candidates' | 'values'> {
  const { argChoices, description } = asked;
  if (argChoices !== undefined)
    return { candidates: argChoices.map((value) => ({ value, description })), values: undefined };
  const name = 'flags' in asked ? nameValue(asked) : asked.name();
  return { candidates: [], values: Object.hasOwn(valueKinds, name) ? valueKinds[name] : undefined };
}

/** What stands between the brackets of an option: `image` of `-i, --image <image>`. */
export function nameValue({ flags }: Option): string {
  return /<(.+)>/.exec(flags)?.[1] ?? '';
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function findOption(command: Command, name: string): Option | undefined {
  return visibleOptions(command).find(({ short, long }) => name !== '' && (name === short || name === long));
}

function findCommand(command: Command, name: string): Command | undefined {
  return visibleCommands(command).find((each) => each.name() === name || each.aliases().includes(name));
}

function findArgument({ registeredArguments }: Command, position: number): Argument | undefined {
  const last = registeredArguments.at(-1);
  return registeredArguments[position] ?? (last?.variadic ? last : undefined);
}

function listCommands(command: Command): Candidate[] {
  return visibleCommands(command).map((each) => ({
    value: each.name(),
    description: each.description(),
  }));
}

/** A single letter is worth a candidate only to whoever has typed no more than the dash. */
function listOptions(command: Command, typed: string): Candidate[] {
  return visibleOptions(command).flatMap(({ short, long, description }) =>
    [long, typed === '-' ? short : undefined].flatMap((value) =>
      value === undefined ? [] : [{ value, description }],
    ),
  );
}

function visibleOptions(command: Command): readonly Option[] {
  return command.createHelp().visibleOptions(command);
}

function visibleCommands(command: Command): readonly Command[] {
  return command.createHelp().visibleCommands(command);
}
