import type { Argument, Command, Option } from 'commander';
import { examples } from '#src/commands/examples.js';
import { nameCommand } from '#src/commands/shared/usage.js';

const exits = [
  ['0', 'done'],
  ['1', 'failed: a step, a write or a check went wrong although the input was right'],
  ['2', 'usage or invalid input'],
  ['3', 'status: not in the wanted state'],
  ['4', 'the boot was refused'],
  ['5', 'something is missing or broken on this machine'],
  ['6', 'reapply: nothing to do'],
  ['130', 'interrupted'],
] as const;

const variables = [
  ['MOBY_PATCH_CACHE', 'the folder of the build cache, or none'],
  ['MOBY_PATCH_SECRET_NAME', 'the value of the secret parameter NAME'],
  ['MOBY_PATCH_DOCKER_TIMEOUT', 'seconds that a Docker daemon may be silent; default: 60'],
  ['DOCKER_HOST, DOCKER_CONTEXT', 'the Docker daemon'],
  ['SOURCE_DATE_EPOCH', 'the time of what is written, in seconds since 1970'],
  ['TMPDIR', 'the folder of temporary files'],
  ['CI', 'set: progress in lines, as in a pipe'],
] as const;

/** The manual of all commands, as roff with the macros of man(7). */
export function renderManual(program: Command): string {
  const commands = program.commands.filter((each) => each.name() !== '__complete' && each.name() !== 'help');
  return `${[
    '.\\" Made from the definitions of the commands: UPDATE=1 npx ava build/test/docs/manual.unit.test.js',
    '.TH MOBY\\-PATCH 1 "" "moby\\-patch" "User Commands"',
    '.SH NAME',
    'moby\\-patch \\- patch an existing initrd from a YAML file, and boot\\-test the result',
    '.SH SYNOPSIS',
    '.B moby\\-patch',
    '.I COMMAND',
    '.RI [ OPTION ]...',
    '.SH DESCRIPTION',
    toRoff(program.description()),
    'Data goes to standard output, talk to standard error.',
    '.SH COMMANDS',
    ...commands.flatMap(renderCommand),
    '.SH EXIT STATUS',
    ...exits.flatMap(([code, what]) => renderItem(code, what)),
    '.SH ENVIRONMENT',
    ...variables.flatMap(([name, what]) => renderItem(name, what)),
    '.SH FILES',
    ...renderItem('moby\\-patch.yaml', 'what a bare build does in this folder', { isRoff: true }),
    ...renderItem('patches/ID/patch.yaml', 'a patch of this folder'),
  ].join('\n')}\n`;
}

function renderCommand(command: Command): string[] {
  const inner = command.commands.filter((each) => each.name() !== 'help').flatMap(renderCommand);
  // One with options does something without a command of its own, too.
  return inner.length > 0 && command.options.length === 0 ? inner : [...renderOne(command), ...inner];
}

function renderOne(command: Command): string[] {
  const name = nameCommand(command);
  const help = command.createHelp();
  return [
    `.SS ${toRoff(`${name} ${command.usage()}`)}`,
    toRoff(`${help.commandDescription(command)}.`),
    ...command.registeredArguments.flatMap((each: Argument) =>
      each.description === '' ? [] : renderItem(each.name().toUpperCase(), each.description),
    ),
    ...help
      .visibleOptions(command)
      .flatMap((each: Option) => renderItem(each.flags, help.optionDescription(each))),
    ...Object.entries(examples[name] ?? {}).flatMap(([what, line]) => [
      '.PP',
      toRoff(`${what}:`),
      '.PP',
      '.nf',
      `.RS\n${toRoff(line)}\n.RE`,
      '.fi',
    ]),
  ];
}

function renderItem(term: string, text: string, { isRoff = false } = {}): string[] {
  return ['.TP', `.B ${isRoff ? term : toRoff(term)}`, toRoff(text)];
}

/** Backslashes, hyphens of options, and dots and quotes that would begin a request. */
function toRoff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}
