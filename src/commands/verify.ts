import { copyFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { exitCodes, MobyPatchError } from '../model/error.js';
import { addBootOptions, type BootFlags, listExpectations, usualTimeout } from './boot-options.js';
import { type CommandContext, findPlaces } from './context.js';
import { guard } from './guard.js';
import { printJson, printLines } from './print.js';
import { createProgress } from './progress.js';

interface Flags extends BootFlags {
  readonly console?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function addVerifyCommand(program: Command, context: CommandContext): void {
  addBootOptions(
    program.command('verify').description('boot an image with QEMU and demand a sign of life from inside'),
  )
    .argument('<image>', 'a file, or the id of an image definition')
    .option('--console <file>', 'keep what the guest printed there')
    .option('--json', 'the result as JSON on standard output')
    .option('-q, --quiet', 'no progress')
    .action(guard(context, (name: string, flags: Flags) => runVerify(name, flags, context)));
}

async function runVerify(name: string, flags: Flags, context: CommandContext): Promise<void> {
  const { findImage } = await import('../image/find-image.js');
  const { openImage } = await import('../unpack/open-image.js');
  const { bootImage } = await import('../verify/boot.js');
  const { detectInit } = await import('../verify/detect-init.js');
  const { chooseMemory } = await import('../verify/memory.js');
  const { createScratch } = await import('../io/scratch.js');
  const { renderBoot } = await import('../report/text.js');
  const progress = createProgress(context, flags.quiet ?? false);
  try {
    const places = findPlaces(context, context.folder);
    const found = await findImage(name, {
      roots: places.images,
      home: places.home,
      folder: context.folder,
      cache: join(places.cache, 'images'),
      signal: context.signal,
      log: progress.log,
    });
    const kernel = flags.kernel === undefined ? found.kernel : resolve(context.folder, flags.kernel);
    if (kernel === undefined)
      throw new MobyPatchError('invalid', 'kernel-missing', 'no kernel is known that boots this image', {
        path: name,
        hint: '--kernel FILE',
      });
    await using image = await openImage(found.initrd, {
      signal: context.signal,
      limits: context.limits,
      name,
    });
    await using scratch = await createScratch();
    const log = join(scratch.path, 'console.log');
    progress.onStage('verify');
    const result = await bootImage(
      {
        image: image.file,
        kernel,
        cmdline: flags.cmdline ?? found.cmdline,
        memory: flags.memory ?? Math.max(found.memory ?? 0, chooseMemory(image.layout)),
        timeout: flags.timeout ?? usualTimeout,
        network: flags.network ?? 'isolated',
        accelerator: flags.accelerator ?? 'auto',
        expects: listExpectations(flags, found.expect),
        console: log,
      },
      { signal: context.signal, log: progress.log, init: detectInit(image.entries) },
    );
    const kept = flags.console === undefined ? undefined : resolve(context.folder, flags.console);
    if (kept !== undefined) await copyFile(log, kept);
    const shown = { ...result, console: kept ?? 'not kept (--console FILE keeps it)' };
    progress.end();
    if (flags.json) await printJson(context, shown);
    else await printLines(context, [...renderBoot(shown), ...result.tail.map((line) => `  | ${line}`)]);
    if (result.verdict === 'refused') context.setExitCode(exitCodes.boot);
  } finally {
    progress.end();
  }
}
