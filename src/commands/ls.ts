import type { Command } from 'commander';
import { showMode } from '../format/mode.js';
import { parseShownPath, showPath } from '../format/path.js';
import type { Entry } from '../model/image/entry.js';
import { formatTable } from '../report/table.js';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import {
  addImageOption,
  type ImageFlags,
  imageText,
  segmentText,
  splitArguments,
} from './shared/image-arguments.js';
import { addLimitOptions, type LimitFlags } from './shared/limit-options.js';
import { parseIndex } from './shared/options.js';
import { printJson, printLines } from './shared/print.js';

interface Flags extends LimitFlags, ImageFlags {
  readonly segment?: number;
  readonly long?: boolean;
  readonly json?: boolean;
}

export function addLsCommand(command: Command, context: CommandContext): void {
  addLimitOptions(
    addImageOption(command)
      .argument('[image]', imageText)
      .argument('[glob...]', 'paths to show: * stays inside a folder, ** does not')
      .option('--segment <number>', segmentText, parseIndex)
      .option('-l, --long', 'with mode, owner, size, time and target')
      .option('--json', 'the entries as JSON on standard output'),
  ).action(
    guard(context, (image: string | undefined, globs: string[], flags: Flags) =>
      runLs([...(image === undefined ? [] : [image]), ...globs], flags, context),
    ),
  );
}

async function runLs(args: readonly string[], flags: Flags, context: CommandContext): Promise<void> {
  const { listEntries } = await import('../tasks/entries.js');
  const { image, rest } = await splitArguments(args, flags, context, 'moby-patch ls IMAGE [GLOB]...');
  const { segment } = flags;
  const details = flags.long === true || flags.json === true;
  const request = { image, globs: rest.map(parseShownPath), segment, details, input: context.stdin };
  const entries = await listEntries(request, createReader(flags, context));
  if (flags.json) await printJson(context, entries.map(describeEntry));
  else if (flags.long) await printLines(context, formatTable(entries.map(formatEntry), [1, 2, 3]));
  else
    await printLines(
      context,
      entries.map(({ path }) => showPath(path === '' ? '.' : path)),
    );
}

/** An entry as data: the same fields as in the model, without its body. */
function describeEntry(entry: Entry) {
  const { path, type, mode, uid, gid, mtime, size, target, device, link } = entry;
  return { path, type, mode, uid, gid, mtime, size, target, device, link };
}

function formatEntry(entry: Entry): string[] {
  const { path, type, mode, uid, gid, mtime, size, target, device } = entry;
  const time = new Date(mtime * 1000).toISOString().slice(0, 19).replace('T', ' ');
  const extent = device === undefined ? String(size) : `${device.major},${device.minor}`;
  const arrow = target === undefined ? '' : ` -> ${showPath(target)}`;
  return [
    showMode(type, mode),
    String(uid),
    String(gid),
    extent,
    time,
    `${showPath(path === '' ? '.' : path)}${arrow}`,
  ];
}
