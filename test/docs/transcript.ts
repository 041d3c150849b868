/**
 * What a page of the documentation tells its tests. Comments that a reader does not see come right before a block:
 *
 * - `<!-- file: motd/patch.yaml -->`: the block is that file.
 * - `<!-- skip: REASON -->`: the block, or the commands in it, cannot run in the tests.
 *
 * A block marked `console` is a transcript: lines that begin with `$ ` are commands, what follows is their output.
 */
export interface Page {
  readonly files: readonly { readonly path: string; readonly content: string }[];
  readonly transcripts: readonly Transcript[];
  /** Blocks of shell commands without output. */
  readonly skipped: readonly string[];
}

export interface Transcript {
  /** Of the first line inside the block, from 0. */
  readonly line: number;
  readonly commands: readonly Command[];
}

export interface Command {
  readonly command: string;
  /** Lines. */
  readonly output: readonly string[];
}

const fence = /^ {0,3}```(\S*)\s*$/;

export function parsePage(text: string): Page {
  const lines = text.split('\n');
  const files: Page['files'][number][] = [];
  const transcripts: Transcript[] = [];
  const skipped: string[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const language = fence.exec(lines[at] ?? '')?.[1];
    if (language === undefined) continue;
    const end = lines.findIndex((line, index) => index > at && /^ {0,3}```\s*$/.test(line));
    const body = lines.slice(at + 1, end);
    const mark = /^<!-- (file|skip): (.*) -->$/.exec(lines[at - 1] ?? '');
    if (mark?.[1] === 'skip') skipped.push(mark[2] ?? '');
    else if (mark?.[1] === 'file') files.push({ path: mark[2] ?? '', content: `${body.join('\n')}\n` });
    else if (language === 'console') transcripts.push({ line: at + 1, commands: parseCommands(body) });
    at = end;
  }
  return { files, transcripts, skipped };
}

function parseCommands(body: readonly string[]): Command[] {
  const commands: { command: string; output: string[] }[] = [];
  for (const line of body) {
    const current = commands.at(-1);
    if (line.startsWith('$ ')) commands.push({ command: line.slice(2), output: [] });
    else if (current?.output.length === 0 && current.command.endsWith('\\')) current.command += `\n${line}`;
    else current?.output.push(line);
  }
  return commands;
}

/** What differs from run to run and from machine to machine, made equal; a line that some machines lack goes. */
export function normalise(output: readonly string[]): string[] {
  const lines = (output[0]?.startsWith('reference: ') ? ignoreVersions(output) : output)
    .filter((line) => !/emulated without KVM:|still working/.test(line))
    .map((line) =>
      line
        .replace(/^ *\d+\.\d s /, 'T ')
        .replace(/\b\d+\.\d s\b/g, 'T')
        .replace(/, and T of waiting for this machine/, '')
        .replace(/\[ *\d+\.\d{6}\]/g, '[TIME]')
        // The lines of a guest's console behind these: a busy serial port joins or tears them.
        .replace(/((?:firmware|kernel|init) after T): .*/, '$1')
        .replace(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'DATE')
        .replace(/\.moby-patch-\d+-\w+/g, 'TEMPORARY')
        .replace(/\b\d+ MiB are free/g, 'N MiB are free')
        .replace(/QEMU emulator version .*?\), (tcg|kvm), \d+ MiB/, 'QEMU')
        .replace(/\((?:tcg|kvm)\)/g, '(ACCELERATOR)'),
    );
  return sortStages(lines);
}

/** The layout of the reference image without what an update of a package in Debian changes: sizes, versions, padding. */
function ignoreVersions(output: readonly string[]): string[] {
  return output
    .filter((line) => !line.startsWith('padding '))
    .map((line) =>
      line
        .replace(/\b[0-9a-f]{64}\b/, 'DIGEST')
        .replace(/\d+/g, 'N')
        .replace(/(\S) +/g, '$1 '),
    );
}

/** What a guest shows at about the same time comes in one order or the other. */
function sortStages(lines: readonly string[]): string[] {
  const isStage = (line: string) => / after T: /.test(line);
  const sorted = lines.filter(isStage).sort();
  return lines.map((line) => (isStage(line) ? (sorted.shift() ?? '') : line));
}
