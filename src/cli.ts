#!/usr/bin/env node
import { CommanderError } from 'commander';
import { createProgram } from './commands/program.js';
import type { CommandContext } from './commands/shared/context.js';
import { createOutputClosedError } from './commands/shared/errors.js';
import { tuneV8 } from './commands/v8-flags.js';
import { exitCodes, MobyPatchError } from './model/error.js';
import { version } from './version.js';

tuneV8();

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () =>
    abort.abort(
      new MobyPatchError('interrupted', 'interrupted', `interrupted by ${signal}; nothing was replaced`),
    ),
  );
}
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  abort.abort(createOutputClosedError());
});

let limits: CommandContext['limits'];
const context: CommandContext = {
  signal: abort.signal,
  get limits() {
    return limits;
  },
  environment: process.env,
  folder: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  setExitCode(code) {
    process.exitCode = code;
  },
};

// Completion is of all commands.
const asked = process.argv[2] === 'completion' ? undefined : process.argv[2];
const setLimits = (chosen: CommandContext['limits']) => {
  limits = chosen;
};
const program = await createProgram(version, context, setLimits, asked);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : exitCodes.invalid;
}
