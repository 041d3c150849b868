import { callMoby } from '../../fixtures/command-context.js';
import type { FaultCommand } from './faults.js';

/** Runs a command for each message and answers with what came of it: calls can fail in it without a process for each. */
process.on('message', async ({ argv, folder, environment }: FaultCommand) => {
  process.send?.(await callMoby(argv, folder, environment));
});
