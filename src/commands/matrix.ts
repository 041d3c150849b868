import type { Command } from 'commander';
import { exitCodes } from '../model/error/error.js';
import type { Matrix } from '../model/result/matrix.js';
import type { BuildFlags } from '../setup/flags.js';
import { addBootOptions, createModeOption, createSecretOption } from './shared/build-options.js';
import { type CommandContext, openSession, type SessionFlags } from './shared/context.js';
import { guard } from './shared/errors.js';
import { findRenderer } from './shared/find-renderer.js';
import { addLimitOptions } from './shared/limit-options.js';
import { addReportOption, collect, type ReportFlags } from './shared/options.js';
import { createProgress } from './shared/progress.js';

interface Flags extends Omit<BuildFlags, 'image' | 'patch' | 'kernel' | 'verify'>, ReportFlags, SessionFlags {
  readonly image?: readonly string[];
  readonly patch?: readonly string[];
  readonly kernel?: string;
  readonly kernels?: readonly string[];
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function addMatrixCommand(command: Command, context: CommandContext): void {
  addLimitOptions(
    addReportOption(
      addBootOptions(
        command
          .option('-i, --image <image>', 'an image: a file, or the id of a definition (repeatable)', collect)
          .option(
            '-p, --patch <patch>',
            'a patch, or several that go together: nfs+ssh (repeatable)',
            collect,
          )
          .option('-s, --set <name=value>', 'the value of a parameter of a patch (repeatable)', collect)
          .addOption(createSecretOption())
          .option('--kernels <file>', 'the kernel of the image at the same place (repeatable)', collect)
          .addOption(createModeOption())
          .option('--no-cache', 'use nothing from the build cache, and remember nothing'),
      ),
    )
      .option('--json', 'the verdicts as JSON on standard output')
      .option('-q, --quiet', 'print nothing but the table'),
  ).action(guard(context, (flags: Flags) => runMatrix(flags, context)));
}

async function runMatrix(flags: Flags, context: CommandContext): Promise<void> {
  const { matrixRenderers: renderers } = await import('../report/proof/matrix-reports.js');
  for (const file of flags.report ?? []) findRenderer(renderers, file);
  const progress = createProgress(context, flags.quiet ?? false, 'matrix');
  try {
    const { proveMatrix } = await import('../tasks/prove/matrix.js');
    const { parseFlags } = await import('../setup/flags.js');
    const { nameReports } = await import('./shared/write-reports.js');
    const { image: images = [], patch = [], kernel, kernels, ...rest } = flags;
    await using session = await openSession(flags, context, progress);
    const request = {
      images,
      kernels: kernels ?? (kernel === undefined ? [] : [kernel]),
      rows: patch.map((names) => names.split('+')),
      build: {
        ...parseFlags(rest, context.folder),
        beside: nameReports(flags.report, context),
        verify: true,
      },
    };
    const matrix = await proveMatrix(request, session);
    progress.end();
    const { renderMatrix } = await import('../report/proof/matrix.js');
    const { showMany } = await import('./fleet/show-many.js');
    // The table is what the command is for: -q leaves out only the talk.
    const shown = { ...flags, quiet: false };
    const errors = matrix.cells.map(({ error }) => error);
    await showMany(matrix, { renderers, lines: renderMatrix, errors }, { flags: shown, context });
    setExitCode(matrix, context);
  } finally {
    progress.end();
  }
}

/** A refused image is worse than one of which nothing is known. */
function setExitCode({ cells }: Matrix, context: CommandContext): void {
  const failed = cells.find(({ state }) => state === 'error');
  if (cells.some(({ state }) => state === 'refused')) context.setExitCode(exitCodes.boot);
  else if (failed?.error !== undefined) context.setExitCode(exitCodes[failed.error.kind]);
}
