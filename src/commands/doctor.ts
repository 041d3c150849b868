import type { Command } from 'commander';
import { exitCodes } from '../model/error/error.js';
import type { Finding } from '../tasks/doctor/finding.js';
import { type CommandContext, openSession } from './shared/context.js';
import { guard } from './shared/errors.js';
import { printJson, printLines } from './shared/print.js';

export function addDoctorCommand(command: Command, context: CommandContext, program: Command): void {
  command
    .option('--json', 'the findings as JSON on standard output')
    .action(
      guard(context, (flags: { json?: boolean }) =>
        runDoctor({ ...flags, version: program.version() ?? '' }, context),
      ),
    );
}

async function runDoctor(
  { json, version }: { readonly json?: boolean; readonly version: string },
  context: CommandContext,
): Promise<void> {
  const { examineMachine } = await import('../tasks/doctor.js');
  await using session = await openSession({ cache: false }, context);
  // A line when it is known: some are found by a trial of seconds.
  const lines: Promise<void>[] = [];
  const show = (finding: Finding) => {
    const line = printLines(context, [showFinding(finding)]);
    // It is awaited at the end, but fails earlier when nobody reads the output.
    line.catch(() => {});
    lines.push(line);
  };
  const { findings, ready } = await examineMachine({ ...session, version }, json ? undefined : show);
  await Promise.all(lines);
  if (json) await printJson(context, findings);
  if (!ready) context.setExitCode(exitCodes.infrastructure);
}

/** `NO` is what makes the exit code 5. */
function showFinding({ name, ready, needed, reason, hint }: Finding): string {
  const state = ready ? 'yes' : needed ? 'NO' : 'no';
  const next = ready || hint === undefined ? '' : `; try: ${hint}`;
  return `${state.padEnd(4)} ${name.padEnd(16)} ${reason.replaceAll('\n', ' ')}${next}`;
}
