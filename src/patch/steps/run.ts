import { z } from 'zod';
import { formatOutputTail, runScript } from '../system/run-script.js';
import { createStepError } from '../system/step-context.js';
import { defineStep } from './definition.js';
import { environment, wholeNumber } from './schemas.js';

const script = z.string().min(1).max(65536);
/** Seconds. */
const defaultTimeout = 900;

const schema = z
  .union([
    script.transform((text) => ({ script: text, network: false, timeout: defaultTimeout, environment: {} })),
    z.strictObject({
      script: script.describe('Shell commands.'),
      network: z.boolean().default(false).describe('Whether the script may use the network.'),
      timeout: wholeNumber(1, 86400)
        .default(defaultTimeout)
        .describe('Seconds after which the script is killed.'),
      environment: environment.default({}),
    }),
  ])
  .describe('Runs a script as root with the shell of the image. It ends at the first command that fails.');

export const runStep = defineStep({
  kind: 'run',
  schema,
  describe: (value) => `run ${abbreviate(value.script)}`,
  needs: (value) => (value.network ? ['commands', 'network'] : ['commands']),
  // What a script reads is unknown before it runs.
  reads: () => ['bin/sh'],
  async apply(value, context, workspace) {
    const { network, timeout, environment } = value;
    const result = await runScript(workspace, context, value.script, [], { network, timeout, environment });
    if (result.exitCode === 0) return { changed: true };
    throw createStepError(
      context,
      'command-failed',
      `run ${abbreviate(value.script)}: found exit code ${result.exitCode}, wanted 0${formatOutputTail(result.output)}`,
      { hint: explainExit(result.exitCode, network) },
    );
  },
});

function abbreviate(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

function explainExit(code: number, network: boolean): string | undefined {
  if (code === 137) return 'it was killed; the usual cause is a lack of memory';
  if (code === 127) return 'the image lacks a program that the script calls';
  return network ? undefined : 'if it needs the network, write: - run: {script: ..., network: true}';
}
