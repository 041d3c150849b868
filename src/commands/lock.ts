import { dirname } from 'node:path';
import type { Command } from 'commander';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { printJson, printLines, shortenPaths } from './shared/print.js';
import { talk } from './shared/talk.js';

interface Flags {
  readonly config?: string;
  readonly vendor?: string;
  readonly json?: boolean;
}

export function addLockCommand(command: Command, context: CommandContext): void {
  command
    .argument('[output]', 'the built image, with its manifest beside it; default: the output of build')
    .option('-c, --config <file>', 'default: moby-patch.yaml of this folder, if there is one')
    .option(
      '--vendor <directory>',
      'keep the packages that the build downloaded there, for build --locked --offline',
    )
    .option('--json', 'the lock as JSON on standard output')
    .action(guard(context, (output: string | undefined, flags: Flags) => runLock(output, flags, context)));
}

async function runLock(output: string | undefined, flags: Flags, context: CommandContext): Promise<void> {
  const { writeLock } = await import('../tasks/lock.js');
  const { lock, file, manifest } = await writeLock(
    { output, config: flags.config, vendor: flags.vendor },
    createReader({}, context),
  );
  if (manifest.verdict !== 'passed') talk(context, 'moby-patch: this image was not booted');
  if (flags.json) return printJson(context, lock);
  const packages = Object.keys(lock.packages).length;
  const text = `locked ${manifest.output.name} (sha256 ${lock.output.slice(0, 16)}), ${packages} packages: ${file}`;
  const { vendor } = lock;
  const kept = vendor && `kept ${vendor.files.length} files of their repositories in ${vendor.folder}`;
  await printLines(context, [
    shortenPaths(context, text),
    ...(kept === undefined ? [] : [kept]),
    `in the folder ${dirname(file)}: moby-patch build --locked${vendor ? ' --offline' : ''}`,
  ]);
}
