import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { createErrorReport, MobyPatchError } from '../../model/error/error.js';
import { type CommandContext, openSession } from '../shared/context.js';
import { addReapplyOptions, type ReapplyFlags } from '../shared/deploy-options.js';
import { guard, printError } from '../shared/errors.js';
import { addLimitOptions } from '../shared/limit-options.js';
import { parseCount } from '../shared/options.js';
import { printJson, printLines } from '../shared/print.js';
import { createProgress } from '../shared/progress.js';

interface Flags extends ReapplyFlags {
  readonly interval: number;
  readonly install?: boolean;
  readonly uninstall?: boolean;
  readonly service?: 'launchd' | 'systemd';
  readonly into?: string;
}

export function addWatchCommand(command: Command, context: CommandContext): void {
  addLimitOptions(
    addReapplyOptions(command)
      .option('--interval <seconds>', 'how often to look', parseCount, 5)
      .option('--install', 'let launchd or systemd do it, with these options')
      .option('--uninstall', 'undo --install')
      .addOption(
        new Option('--service <kind>', 'default: what this system has').choices(['launchd', 'systemd']),
      )
      .option('--into <directory>', 'write the files there and start nothing'),
  ).action(
    guard(context, (flags: Flags) =>
      flags.install || flags.uninstall ? runService(flags, context) : runWatch(flags, context),
    ),
  );
}

async function runWatch(flags: Flags, context: CommandContext): Promise<void> {
  if (flags.json)
    throw new MobyPatchError('invalid', 'option-wrong', 'a watch has no end, and so no value to print', {
      hint: 'moby-patch watch --report FILE.json; --json is for --install and --uninstall',
    });
  const { describeDeployed } = await import('../../report/deployed.js');
  const { watch } = await import('../../deploy/watch/watch.js');
  const { checkReports, hasTexts, nameReports, withReports } = await import('../shared/write-reports.js');
  await checkReports(flags.report ?? [], context);
  const { interval, settle, strict, quit } = flags;
  const progress = createProgress(context, flags.quiet ?? false);
  try {
    const { parseFlags } = await import('../../setup/flags.js');
    const request = { ...parseFlags(flags, context.folder), beside: nameReports(flags.report, context) };
    const options = { request, interval, settle, strict, quit, texts: hasTexts(flags.report) };
    for await (const event of watch(options, () => openSession(flags, context, progress))) {
      if (event.kind === 'watching') {
        await printLines(context, [`watching ${event.image}`]);
        continue;
      }
      try {
        const deployed = await withReports(flags, context, async (onReport) => {
          if (event.report !== undefined) onReport(event.report, event);
          if (event.kind === 'failed') throw event.error;
          return event.deployed;
        });
        await printLines(context, describeDeployed(deployed));
      } catch (error) {
        printError(context, createErrorReport(error), error);
      }
    }
  } finally {
    progress.end();
  }
}

async function runService(flags: Flags, context: CommandContext): Promise<void> {
  const { installService, uninstallService } = await import('../../deploy/watch/service.js');
  const { createReadingSession } = await import('../../setup/reading-session.js');
  const { service: manager, into } = flags;
  const { isSea } = await import('node:sea');
  // A single file has the program inside.
  const program = isSea() ? [] : [fileURLToPath(new URL('../../cli.js', import.meta.url))];
  const argv = [process.execPath, ...program, 'reapply', ...(await listArguments(flags))];
  const change = flags.uninstall ? uninstallService : installService;
  const session = createReadingSession(context);
  const { service, paths, checked } = await change({ target: flags, manager, into, argv }, session);
  const verb = flags.uninstall ? 'removed' : 'wrote';
  if (flags.json) return printJson(context, { service, [verb]: paths, checked });
  await printLines(context, [
    ...paths.map((path) => `${verb} ${path}`),
    ...(checked === undefined ? [] : [checked]),
  ]);
}

/** Options that are on unless they are negated. */
const negatable = new Set(['verify', 'cache']);

/** The same options for `reapply`; the service starts in this folder, so relative paths stay right. */
async function listArguments(flags: Flags): Promise<string[]> {
  const { defaultSettle } = await import('../../deploy/watch/watch.js');
  const { interval, install, uninstall, service, into, json, settle = defaultSettle, ...rest } = flags;
  const options = Object.entries(rest).flatMap(([key, value]) => {
    const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (negatable.has(key)) return value ? [] : [`--no-${name}`];
    if (value === true) return [`--${name}`];
    return (Array.isArray(value) ? value : [value]).flatMap((each) => [`--${name}`, String(each)]);
  });
  return [...options, '--settle', String(settle)];
}
