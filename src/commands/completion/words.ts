import type { Argument, Command, Option } from 'commander';

export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** What kind of value an option or argument takes, where it is more than text. */
export type ValueKind = 'image' | 'patch' | 'target' | 'setting' | 'secret' | 'codec' | 'files' | 'folders';

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** The part of the word before the value: `--engine=`. */
  readonly prefix: string;
  /** The value as far as it is typed. */
  readonly typed: string;
  /** The kind of the other values that are possible. */
  readonly values?: ValueKind | undefined;
  /** The patches that the words name with `--patch`. */
  readonly patches: readonly string[];
}

/** The names that options and arguments give their values -> the kind; undefined: any text. @internal */
export const valueKinds: Readonly<Record<string, ValueKind | undefined>> = {
  image: 'image',
  // Of explain: an image, and last a path.
  arguments: 'image',
  a: 'image',
  b: 'image',
  patch: 'patch',
  target: 'target',
  table: 'files',
  'name=value': 'setting',
  'name=source': 'secret',
  codec: 'codec',
  file: 'files',
  place: 'files',
  output: 'files',
  directory: 'folders',
  path: undefined,
  'path[=text]': undefined,
  'path[=type]': undefined,
  port: undefined,
  service: undefined,
  glob: undefined,
  name: undefined,
  regex: undefined,
  text: undefined,
  MiB: undefined,
  seconds: undefined,
  number: undefined,
  reference: undefined,
  bytes: undefined,
  times: undefined,
  'uid:gid': undefined,
  command: undefined,
  engine: undefined,
  numbers: undefined,
  id: undefined,
  url: undefined,
};

/** What the last word may become; `words` follow the name of the program. */
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
  // The argument of `help`, which every command with subcommands has.
  if (argument.name() === 'command') return { ...whole, candidates: listCommands(parent) };
  return { ...whole, ...completeValue(argument) };
}

interface Place {
  readonly command: Command;
  readonly parent: Command;
  /** The option whose value comes next. */
  readonly option: Option | undefined;
  /** How many arguments the command has so far. */
  readonly position: number;
  /** Whether `--` was among the words: no option follows. */
  readonly isEnded: boolean;
  readonly patches: readonly string[];
}

function readWords(program: Command, words: readonly string[]): Place {
  const start = {
    command: program,
    parent: program,
    option: undefined,
    position: 0,
    isEnded: false,
    patches: [],
  };
  return words.reduce<Place>(readWord, start);
}

function readWord(place: Place, word: string): Place {
  const { command, option, position, isEnded, patches } = place;
  if (option !== undefined) return { ...place, option: undefined, patches: addPatch(patches, option, word) };
  if (!isEnded && word === '--') return { ...place, isEnded: true };
  if (!isEnded && /^-./.test(word)) return readOption(place, word);
  const next = position === 0 ? findCommand(command, word) : undefined;
  return next === undefined
    ? { ...place, position: position + 1 }
    : { ...place, parent: command, command: next };
}

function readOption(place: Place, word: string): Place {
  const [name = '', ...value] = word.split('=');
  const option = findOption(place.command, name);
  if (option === undefined || !takesValue(option)) return place;
  if (value.length === 0) return { ...place, option };
  return { ...place, patches: addPatch(place.patches, option, value.join('=')) };
}

function addPatch(patches: readonly string[], option: Option, value: string): readonly string[] {
  return option.long === '--patch' ? [...patches, value] : patches;
}

function completeValue(target: Option | Argument): Pick<Completion, 'candidates' | 'values'> {
  const { argChoices, description } = target;
  if (argChoices !== undefined)
    return { candidates: argChoices.map((value) => ({ value, description })), values: undefined };
  const name = 'flags' in target ? nameValue(target) : target.name();
  return { candidates: [], values: Object.hasOwn(valueKinds, name) ? valueKinds[name] : undefined };
}

/** The name in the brackets of an option: `image` of `-i, --image <image>`. @internal */
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
    description: each.summary() || each.description(),
  }));
}

/** Short options are offered only while the word is a bare dash. */
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
