import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { runProgram } from './commands/program.js';
import type { CommandContext } from './commands/shared/context.js';
import { createOutputClosedError, createOutputFault, explain } from './commands/shared/errors.js';
import { createLiveLine } from './commands/shared/live-line.js';
import { talk } from './commands/shared/talk.js';
import { listOwnScratch } from './io/place/own-scratch.js';
import { closeInherited } from './io/process/descriptors.js';
import { createErrorReport, exitCodes, MobyPatchError } from './model/error/error.js';
import { secretPrefix } from './model/patch/secret.js';
import { version } from './version.js';

closeInherited(process.argv);

/** Seconds for all that is cleaned up after an abort. */
const cleanupLimit = 10;

const abort = new AbortController();
// Every program, stream and timer of a large image may wait for it at the same time.
setMaxListeners(0, abort.signal);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (abort.signal.aborted) leave(`interrupted again by ${signal}`);
    end(new MobyPatchError('interrupted', 'interrupted', `interrupted by ${signal}; nothing was replaced`));
  });
}
let outputFault: MobyPatchError | undefined;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  outputFault ??= error.code === 'EPIPE' ? createOutputClosedError() : createOutputFault(error);
  end(outputFault);
});
// Without a reader there is nobody to tell.
process.stderr.on('error', () => {});

// A secret is for this process alone: programs that it starts inherit process.env.
const environment = { ...process.env };
for (const name of Object.keys(environment)) if (name.startsWith(secretPrefix)) delete process.env[name];

const context: CommandContext = {
  signal: abort.signal,
  environment,
  folder: findFolder(),
  // A stream is made when it is first asked for, and the help never asks.
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  live: createLiveLine(process.stderr, environment),
  async prepare() {
    const { tuneV8 } = await import('./io/process/tune-v8.js');
    tuneV8();
  },
  setExitCode(code) {
    process.exitCode = code;
  },
};
await runProgram(process.argv.slice(2), version, context);
// The last write fails after the command has ended.
await nextTurn();
if (outputFault !== undefined && !process.exitCode) explain(context, createErrorReport(outputFault));

/** The working folder; exits where it was removed. */
function findFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const text = `the working folder cannot be used (${code}) [folder-missing]`;
    talk(process, `moby-patch: ${text}\n  try: cd to a folder that exists`);
    process.exit(exitCodes.invalid);
  }
}

// What an interrupted run has not written yet, a reader that stopped would never take.
if (abort.signal.aborted) process.exit();

/** Ends all work, which then cleans up; after `cleanupLimit` whatever is left stays. */
function end(reason: MobyPatchError): void {
  abort.abort(reason);
  setTimeout(() => leave(`cleaning up took more than ${cleanupLimit} s`), cleanupLimit * 1000).unref();
}

/** Ends the process at once, and with it the programs that it started. */
function leave(why: string): never {
  const folders = listOwnScratch().join(', ') || 'no temporary folder';
  const text = `${why}; left are ${folders}, and what Docker may have of process ${process.pid}`;
  talk(process, `moby-patch: ${text}\n  try: moby-patch prune`);
  process.exit(exitCodes.interrupted);
}
