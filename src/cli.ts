#!/usr/bin/env node
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { CommanderError } from 'commander';
import { createProgram } from './commands/program.js';
import type { CommandContext } from './commands/shared/context.js';
import { createOutputClosedError } from './commands/shared/errors.js';
import { exitCodes, MobyPatchError } from './model/error.js';
import { version } from './version.js';

/** Bytes in use that only an image of very many entries needs. */
const large = 32 * 2 ** 20;
const interval = 20;

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

const context: CommandContext = {
  signal: abort.signal,
  environment: process.env,
  folder: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  setExitCode(code) {
    process.exitCode = code;
  },
};
// The completion of words needs all commands.
const asked = process.argv[2] === 'completion' ? undefined : process.argv[2];
const program = await createProgram(version, context, asked);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : exitCodes.invalid;
}

/** Sets V8 up for commands that are short, and for images that are large. */
function tuneV8(): void {
  // Bytecode that a function runs before it is worth optimizing, fifteen times what it is otherwise: compiling takes
  // one of two processors from inflating, and most commands are over before it pays (unpack 6 % and a second build
  // 4 % faster, a build of seconds as it was, measured).
  // Node 20 only: later ones count calls, and say aloud that they do not know the flag.
  if (process.versions.v8.startsWith('11.')) setFlagsFromString('--interrupt-budget=1000000');
  // Left alone, V8 lets garbage grow to a few times what is in use before it looks for it (550 MB where 110 are held,
  // for an image of 200,000 files). From the moment on that much is in use it may grow by half only: before that,
  // looking so often would cost a seventh of the time of a build and save nothing.
  const timer = setInterval(() => {
    if (getHeapStatistics().used_heap_size < large) return;
    setFlagsFromString('--heap-growing-percent=50');
    clearInterval(timer);
  }, interval);
  timer.unref();
}
