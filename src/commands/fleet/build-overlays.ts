import { resolve } from 'node:path';
import { exitCodes, MobyPatchError } from '../../model/error/error.js';
import type { OverlaysReport } from '../../model/result/overlays.js';
import { type CommandContext, openSession } from '../shared/context.js';
import { explain } from '../shared/errors.js';
import { createProgress } from '../shared/progress.js';
import { chooseOne, type TargetsFlags } from './build-targets.js';
import { showMany } from './show-many.js';

export interface TableFlags {
  readonly forEach: string;
  readonly bootSample?: number;
}

const usualOutput = `out/\${name}.img`;

/** `build --for-each`: a small archive for each machine of a table. */
export async function runOverlays(given: TargetsFlags & TableFlags, context: CommandContext): Promise<void> {
  refuseOthers(given);
  const flags = given.target === undefined ? given : await chooseOne(given, context);
  const progress = createProgress(context, flags.quiet ?? false, 'overlays');
  try {
    const { buildOverlays } = await import('../../fleet/overlays/build-overlays.js');
    const { readTable } = await import('../../fleet/overlays/read-table.js');
    const { assertNoFaults, createBuildRequest, ignoreUnnamedFile } = await import(
      '../../setup/build-request.js'
    );
    const { overlayRenderers: renderers, renderOverlays } = await import('../../report/many/overlays.js');
    const { parseFlags } = await import('../../setup/flags.js');
    const { findReplaced } = await import('../../io/place/replaced-inputs.js');
    const { nameReports } = await import('../shared/write-reports.js');
    await using session = await openSession(flags, context, progress);
    const { forEach, bootSample: boots = 0, output = usualOutput, keepGoing = false, ...rest } = flags;
    const table = resolve(context.folder, forEach);
    const beside = nameReports(flags.report, context);
    const [fault] = findReplaced(beside, [{ path: table, what: 'the table of machines' }]);
    if (fault !== undefined) throw fault;
    const rows = await readTable(table, forEach);
    const wanted = {
      ...parseFlags(rest, context.folder),
      writes: false,
      beside,
      verify: flags.verify && boots > 0,
    };
    const build = await createBuildRequest(ignoreUnnamedFile(wanted), session);
    assertNoFaults(build);
    const made = await buildOverlays({ build, rows, table, output, boots, keepGoing }, session);
    progress.end();
    await showMany(made, { renderers, lines: renderOverlays }, { flags, context });
    showFailures(made, context);
  } finally {
    progress.end();
  }
}

/** Errors that many machines share are told for the first of them. */
function showFailures({ overlays }: OverlaysReport, context: CommandContext): void {
  const failed = overlays.filter(({ error }) => error !== undefined);
  const told = new Set<string>();
  for (const { name, error } of failed) {
    if (error === undefined || told.has(error.message)) continue;
    told.add(error.message);
    explain(context, { ...error, message: `${name}: ${error.message}` });
  }
  if (failed.some(({ error }) => error?.kind === 'boot')) context.setExitCode(exitCodes.boot);
}

/** Errors (`invalid`): `option-wrong`, `report-unknown`. */
function refuseOthers({ all, locked, split, mode, report = [] }: TargetsFlags): void {
  const other = Object.entries({ '--all': all, '--locked': locked, '--split': split });
  const [option] =
    other.find(([, value]) => value !== undefined) ?? (mode && mode !== 'append' ? [`--mode ${mode}`] : []);
  if (option !== undefined)
    throw new MobyPatchError('invalid', 'option-wrong', `${option} and --for-each exclude each other`, {
      hint: 'moby-patch build --for-each TABLE -i BASE -p PATCH',
    });
  const file = report.find((name) => !name.toLowerCase().endsWith('.json'));
  if (file !== undefined)
    throw new MobyPatchError('invalid', 'report-unknown', 'the report of a table is JSON', {
      path: file,
      hint: 'end it with .json',
    });
}
