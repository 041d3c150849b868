import { z } from 'zod';
import { runScript, tailOutput } from '../system/run-script.js';
import { createStepError, defineStep } from './definition.js';
import { count, environment } from './schemas.js';

const script = z.string().min(1).max(65536);
const defaultTimeout = 900;

const schema = z
  .union([
    script.transform((text) => ({ script: text, network: false, timeout: defaultTimeout, environment: {} })),
    z.strictObject({
      script: script.describe('Shell commands.'),
      network: z.boolean().default(false).describe('Whether it may use the network.'),
      timeout: count(1, 86400).default(defaultTimeout).describe('Seconds until it is killed.'),
      environment: environment.default({}),
    }),
  ])
  .describe('Runs a script with the shell of the image, as root; the first command that fails ends it.');

export const runStep = defineStep({
  kind: 'run',
  schema,
  describe: (value) => `run ${abbreviate(value.script)}`,
  needs: (value) => (value.network ? ['commands', 'network'] : ['commands']),
  // What a command reads is not known before it runs.
  reads: () => ['bin/sh'],
  async apply(value, context, at) {
    const { network, timeout, environment } = value;
    const result = await runScript(at, context, value.script, [], { network, timeout, environment });
    if (result.exitCode === 0) return { changed: true };
    throw createStepError(
      context,
      'command-failed',
      `run ${abbreviate(value.script)}: found exit code ${result.exitCode}, wanted 0${tailOutput(result.output)}`,
      { hint: explainExit(result.exitCode, network) },
    );
  },
});

function abbreviate(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

function explainExit(code: number, network: boolean): string | undefined {
  if (code === 137) return 'it was killed: the usual cause is memory that ran out';
  if (code === 127) return 'the image lacks a program that the script calls';
  return network ? undefined : 'if it needs the network, write: - run: {script: ..., network: true}';
}
