import { type Command, Option } from 'commander';
import { addReapplyOptions, type ReapplyFlags } from './reapply.js';
import { type CommandContext, withLimits } from './shared/context.js';
import { guard } from './shared/errors.js';
import { addLimitOptions } from './shared/limit-options.js';
import { parseCount } from './shared/options.js';

export interface WatchFlags extends ReapplyFlags {
  readonly interval: number;
  readonly install?: boolean;
  readonly uninstall?: boolean;
  readonly service?: 'launchd' | 'systemd';
  readonly into?: string;
}

/** Seconds without a write after which an image is taken to be whole. */
export const usualSettle = 10;

export function addWatchCommand(program: Command, context: CommandContext): void {
  addLimitOptions(
    addReapplyOptions(
      program.command('watch').description('run reapply whenever the installed image is replaced'),
    )
      .option('--interval <seconds>', 'how often to look', parseCount, 5)
      .option('--install', 'let launchd or systemd do it, with these options')
      .option('--uninstall', 'take that back')
      .addOption(
        new Option('--service <kind>', 'default: what this system has').choices(['launchd', 'systemd']),
      )
      .option('--into <directory>', 'write the files there and start nothing'),
  ).action(
    guard(context, async (flags: WatchFlags) => {
      if (flags.install || flags.uninstall) {
        const { runInstall } = await import('./watch-install.js');
        return runInstall(flags, context);
      }
      const { runWatch } = await import('./watch-image.js');
      return runWatch(flags, withLimits(flags, context));
    }),
  );
}
