import { exitCodes, MobyPatchError } from '../../model/error/error.js';
import type { TargetsReport } from '../../model/result/targets.js';
import type { BuildFlags } from '../../setup/flags.js';
import { selectTargets } from '../../setup/targets/expand-targets.js';
import type { Target } from '../../setup/targets/target.js';
import { type CommandContext, openSession, type SessionFlags } from '../shared/context.js';
import { findRenderer } from '../shared/find-renderer.js';
import type { ReportFlags } from '../shared/options.js';
import { createProgress } from '../shared/progress.js';
import type { TargetSelection } from '../shared/target-selection.js';
import { showMany } from './show-many.js';

export interface TargetsFlags extends BuildFlags, ReportFlags, SessionFlags, TargetSelection {
  readonly jobs?: number;
  readonly keepGoing?: boolean;
  readonly failFast?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Targets of the configuration that the flags choose. Errors: those of `loadConfiguration` and `expandTargets`. */
export async function findTargets(
  { config, target }: Pick<TargetsFlags, 'config' | 'target'>,
  context: CommandContext,
): Promise<readonly Target[]> {
  const { loadConfiguration } = await import('../../setup/configuration.js');
  const { expandTargets } = await import('../../setup/targets/expand-targets.js');
  return selectTargets(expandTargets(await loadConfiguration(context.folder, config)), target);
}

/** The flags of a build of the one target that they name. Errors: those of `findTargets`. */
export async function chooseOne<Flags extends TargetsFlags>(
  flags: Flags,
  context: CommandContext,
): Promise<Flags> {
  const [target] = await findTargets(flags, context);
  return { ...flags, config: target?.configuration, makesFolder: true };
}

/** `build --all`: every target, and one report. */
export async function runTargets(flags: TargetsFlags, context: CommandContext): Promise<void> {
  refuseSingle(flags);
  const targets = await findTargets(flags, context);
  const { renderTargets, targetRenderers: renderers } = await import('../../report/many/targets.js');
  for (const file of flags.report ?? []) findRenderer(renderers, file);
  const progress = createProgress(context, flags.quiet ?? false, 'targets');
  try {
    const { buildTargets } = await import('../../fleet/targets/build-targets.js');
    const { parseFlags } = await import('../../setup/flags.js');
    const { nameReports } = await import('../shared/write-reports.js');
    await using session = await openSession(flags, context, progress);
    const { target: _, all: __, config: ___, jobs, keepGoing = false, ...rest } = flags;
    const build = { ...parseFlags(rest, context.folder), beside: nameReports(flags.report, context) };
    const report = await buildTargets({ targets, build, jobs, keepGoing }, session);
    progress.end();
    const errors = report.targets.map(({ error }) => error);
    await showMany(report, { renderers, lines: renderTargets, errors }, { flags, context });
    setExitCode(report, context);
  } finally {
    progress.end();
  }
}

/** A refused image is worse than one of which nothing is known. */
function setExitCode({ targets }: TargetsReport, context: CommandContext): void {
  const failed = targets.find(({ state }) => state === 'failed');
  if (targets.some(({ state }) => state === 'refused')) context.setExitCode(exitCodes.boot);
  else if (failed?.error !== undefined) context.setExitCode(exitCodes[failed.error.kind]);
}

/** What makes sense for one image alone. Error (`invalid`): `option-wrong`. */
function refuseSingle({ image, patch, output, split, locked, keepGoing, failFast }: TargetsFlags): void {
  const single = Object.entries({
    '-i': image,
    '-p': patch,
    '-o': output,
    '--split': split,
    '--locked': locked,
  });
  const [option] = single.find(([, value]) => value !== undefined) ?? [];
  if (option !== undefined)
    throw new MobyPatchError(
      'invalid',
      'option-wrong',
      `${option} is of one image, and targets are several`,
      {
        hint: 'write it into the targets of moby-patch.yaml, or name one: --target NAME',
      },
    );
  if (keepGoing && failFast)
    throw new MobyPatchError('invalid', 'option-wrong', '--keep-going and --fail-fast exclude each other', {
      hint: 'leave one of them out; --fail-fast is the default',
    });
}
