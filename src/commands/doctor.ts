import type { Command } from 'commander';
import { exitCodes } from '../model/error.js';
import type { Finding } from '../tasks/doctor.js';
import { type CommandContext, openSession } from './shared/context.js';
import { guard } from './shared/errors.js';
import { printJson, printLines } from './shared/print.js';

export function addDoctorCommand(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .description('list what builds and boots need, and whether this machine has it')
    .option('--json', 'the findings as JSON on standard output')
    .action(guard(context, (flags: { json?: boolean }) => runDoctor(flags, context)));
}

async function runDoctor(flags: { readonly json?: boolean }, context: CommandContext): Promise<void> {
  const { examineMachine } = await import('../tasks/doctor.js');
  const session = await openSession({ cache: false }, context);
  const { findings, ready } = await examineMachine(session);
  if (flags.json) await printJson(context, findings);
  else await printLines(context, findings.map(showFinding));
  if (!ready) context.setExitCode(exitCodes.infrastructure);
}

function showFinding({ name, ready, reason, hint }: Finding): string {
  const next = ready || hint === undefined ? '' : `; try: ${hint}`;
  return `${ready ? 'yes' : 'no '}  ${name}: ${reason}${next}`;
}
