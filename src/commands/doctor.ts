import type { Command } from 'commander';
import { exitCodes } from '../model/error.js';
import type { CommandContext } from './shared/context.js';
import { guard } from './shared/errors.js';
import { printJson, printLines } from './shared/print.js';

interface Finding {
  readonly name: string;
  readonly ready: boolean;
  readonly reason: string;
  readonly hint?: string | undefined;
}

export function addDoctorCommand(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .description('say what this machine has of what builds and boots need')
    .option('--json', 'the findings as JSON on standard output')
    .action(guard(context, (flags: { json?: boolean }) => runDoctor(flags, context)));
}

async function runDoctor(flags: { json?: boolean }, context: CommandContext): Promise<void> {
  const { createSession } = await import('../setup/session.js');
  const { findQemu } = await import('../verify/boot/machine.js');
  const { createErrorReport } = await import('../model/error.js');
  const findings: Finding[] = [];
  for (const engine of createSession(context).engines)
    findings.push({ name: `engine ${engine.name}`, ...(await engine.probe()) });
  for (const architecture of ['x86_64', 'aarch64'] as const) {
    const name = `boot of ${architecture}`;
    await findQemu(architecture, context.signal).then(
      ({ version }) => findings.push({ name, ready: true, reason: version }),
      (error) =>
        findings.push({
          name,
          ready: false,
          reason: createErrorReport(error).message,
          hint: createErrorReport(error).hint,
        }),
    );
  }
  if (flags.json) await printJson(context, findings);
  else
    await printLines(
      context,
      findings.map(
        ({ name, ready, reason, hint }) =>
          `${ready ? 'yes' : 'no '}  ${name}: ${reason}${ready || hint === undefined ? '' : `; try: ${hint}`}`,
      ),
    );
  const canBuild = findings.some(
    ({ name, ready }) => ready && (name === 'engine docker' || name === 'engine local'),
  );
  const canBoot = findings.some(({ name, ready }) => ready && name.startsWith('boot'));
  if (!canBuild || !canBoot) context.setExitCode(exitCodes.infrastructure);
}
