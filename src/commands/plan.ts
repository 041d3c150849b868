import { type Command, Option } from 'commander';
import type { MatrixForm } from '../fleet/targets/ci-matrix.js';
import { MobyPatchError } from '../model/error/error.js';
import { renderPlanned } from '../report/plan.js';
import type { BuildFlags } from '../setup/flags.js';
import { addBuildOptions } from './shared/build-options.js';
import { type CommandContext, openSession, type SessionFlags } from './shared/context.js';
import { explain, guard } from './shared/errors.js';
import { addLimitOptions } from './shared/limit-options.js';
import { addReportOption, type ReportFlags } from './shared/options.js';
import { printData, printJson, printLines, shortenPaths } from './shared/print.js';
import { createQuietProgress } from './shared/progress.js';
import { talk } from './shared/talk.js';
import { addTargetSelection, type TargetSelection } from './shared/target-selection.js';

interface Flags extends BuildFlags, ReportFlags, SessionFlags, TargetSelection {
  readonly matrix?: MatrixForm | true;
  readonly json?: boolean;
}

export function addPlanCommand(command: Command, context: CommandContext): void {
  addLimitOptions(
    addReportOption(addTargetSelection(addBuildOptions(command)))
      .addOption(
        new Option(
          '--matrix [form]',
          'print the targets of moby-patch.yaml as JSON of which CI makes a job for each; default: as GitHub takes it',
        ).choices(['github', 'gitlab']),
      )
      .option('--json', 'the plan as JSON on standard output'),
  ).action(guard(context, (flags: Flags) => runPlan(flags, context)));
}

async function runPlan(given: Flags, context: CommandContext): Promise<void> {
  if (given.matrix !== undefined) return printMatrix(given, context);
  const flags = given.target === undefined ? given : await chooseTarget(given, context);
  const { nameReports, withReports } = await import('./shared/write-reports.js');
  const { report, error, output } = await withReports(flags, context, async (onReport) => {
    const { planBuild } = await import('../build.js');
    const setup = await import('../setup/build-request.js');
    const { parseFlags } = await import('../setup/flags.js');
    const progress = createQuietProgress(context, 'planning');
    await using session = await openSession(flags, context, progress);
    const ignored = await setup.describeIgnoredFile(flags, session.places);
    if (ignored !== undefined) talk(context, `moby-patch: ${ignored}`);
    // What would be done does not depend on the values of secrets, so nobody is asked for one.
    const wanted = {
      ...setup.ignoreUnnamedFile(parseFlags(flags, context.folder)),
      beside: nameReports(flags.report, context),
      mayLackSecrets: true,
    };
    const request = await setup.createBuildRequest(wanted, session);
    const outcome = await planBuild(request, { ...session, log: () => {} });
    onReport(outcome.report, outcome);
    return { ...outcome, output: request.output };
  });
  if (flags.json) await printJson(context, report);
  else if (report.prechecks !== undefined)
    await printLines(
      context,
      renderPlanned(report, output, (text) => shortenPaths(context, text)),
    );
  if (report.error !== undefined) explain(context, report.error, error);
}

async function printMatrix({ matrix, ...flags }: Flags, context: CommandContext): Promise<void> {
  const { findTargets } = await import('./fleet/build-targets.js');
  const { formatMatrix, listMatrixFaults } = await import('../fleet/targets/ci-matrix.js');
  const targets = await findTargets(flags, context);
  const form = matrix === undefined || matrix === true ? 'github' : matrix;
  for (const fault of listMatrixFaults(targets, form)) talk(context, `moby-patch: ${fault}`);
  await printData(context, `${JSON.stringify(formatMatrix(targets, form))}\n`);
}

/** Error (`invalid`): `option-wrong` for several. */
async function chooseTarget(flags: Flags, context: CommandContext): Promise<Flags> {
  const { chooseOne } = await import('./fleet/build-targets.js');
  if (flags.target?.length === 1) return chooseOne(flags, context);
  throw new MobyPatchError(
    'invalid',
    'option-wrong',
    'a plan is that of one target, and several were named',
    {
      hint: 'moby-patch plan --target NAME; moby-patch plan --matrix lists all',
    },
  );
}
