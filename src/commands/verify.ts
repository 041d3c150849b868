import { copyFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { BootRequest, BootResult } from '../model/boot.js';
import { exitCodes, MobyPatchError } from '../model/error.js';
import type { ReportDraft } from '../report/draft.js';
import { type BootFlags, defaultTimeout, listExpectations } from '../setup/boot-options.js';
import { addBootOptions } from './shared/boot-options.js';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { printJson, printLines } from './shared/print.js';
import { createProgress } from './shared/progress.js';
import { addReportOption, type ReportFlags } from './shared/report-option.js';

interface Flags extends BootFlags, ReportFlags {
  readonly console?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function addVerifyCommand(program: Command, context: CommandContext): void {
  addReportOption(
    addBootOptions(
      program.command('verify').description('boot an image with QEMU and demand a sign of life from inside'),
    ),
  )
    .argument('<image>', 'a file, or the id of an image definition')
    .option('--console <file>', 'keep what the guest printed there')
    .option('--json', 'the result as JSON on standard output')
    .option('-q, --quiet', 'no progress')
    .action(guard(context, (name: string, flags: Flags) => runVerify(name, flags, context)));
}

async function runVerify(name: string, flags: Flags, context: CommandContext): Promise<void> {
  const { createReportDraft } = await import('../report/draft.js');
  const { renderBoot } = await import('../report/text.js');
  const { withReports } = await import('./shared/write-reports.js');
  const progress = createProgress(context, flags.quiet ?? false);
  try {
    const draft = createReportDraft(name, progress.onStage);
    const result = await withReports({ ...flags, image: name }, context, async (keep) => {
      try {
        const boot = await bootNamed(name, flags, draft, context, progress.log);
        draft.set({ boot, failed: boot.verdict === 'refused' });
        return boot;
      } finally {
        keep(draft.report());
      }
    });
    progress.end();
    if (flags.json) await printJson(context, result);
    else await printLines(context, [...renderBoot(result), ...result.tail.map((line) => `  | ${line}`)]);
    if (result.verdict === 'refused') context.setExitCode(exitCodes.boot);
  } finally {
    progress.end();
  }
}

async function bootNamed(
  name: string,
  flags: Flags,
  draft: ReportDraft,
  context: CommandContext,
  log: (line: string) => void,
): Promise<BootResult> {
  const { findNamedImage } = await import('../setup/named-image.js');
  const { openImage } = await import('../unpack/open-image.js');
  const { bootImage } = await import('../verify/boot/boot.js');
  const { detectInit } = await import('../verify/boot/detect-init.js');
  const { chooseMemory } = await import('../verify/boot/memory.js');
  const { createScratch } = await import('../io/scratch.js');
  const { signal, limits, folder } = context;
  const found = await findNamedImage(name, { ...createReader(context), log });
  const kernel = flags.kernel === undefined ? found.kernel : resolve(folder, flags.kernel);
  if (kernel === undefined)
    throw new MobyPatchError('invalid', 'kernel-missing', 'no kernel is known that boots this image', {
      path: name,
      hint: '--kernel FILE',
    });
  await using image = await draft.stage('unpack', () => openImage(found.initrd, { signal, limits, name }));
  draft.set({ before: image.layout });
  await using scratch = await createScratch();
  const console = join(scratch.path, 'console.log');
  const request: BootRequest = {
    image: image.file,
    kernel,
    cmdline: flags.cmdline ?? found.cmdline,
    memory: flags.memory ?? Math.max(found.memory ?? 0, chooseMemory(image.layout)),
    timeout: flags.timeout ?? defaultTimeout,
    network: flags.network ?? 'isolated',
    accelerator: flags.accelerator ?? 'auto',
    expects: listExpectations(flags, found.expect),
    console,
  };
  const init = detectInit(image.entries);
  const result = await draft.stage('verify', () => bootImage(request, { signal, log, init }));
  const kept = flags.console === undefined ? undefined : resolve(folder, flags.console);
  if (kept !== undefined) await copyFile(console, kept);
  return { ...result, console: kept ?? 'not kept (--console FILE keeps it)' };
}
