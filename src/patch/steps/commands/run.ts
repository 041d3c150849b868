import { basename } from 'node:path';
import { z } from 'zod';
import { collectBytes } from '../../../io/collect.js';
import type { RunResult, Workspace } from '../../../model/patch/workspace.js';
import { formatOutputTail, runCommand, runScript, type ScriptOptions } from '../../system/run-script.js';
import { createStepError, type StepContext } from '../../system/step-context.js';
import { defineStep } from '../definition.js';
import {
  commandText,
  environment,
  longestCommandText,
  mayStore,
  oneOf,
  payloadPath,
  storesSecret,
  wholeNumber,
} from '../schemas.js';
import { shortenText } from '../short-text.js';

/** Of a script, which the shell gets as one argument. */
const longestScript = longestCommandText;
const script = commandText(longestScript).min(1);
/** Seconds. */
const defaultTimeout = 900;

const defaults = {
  network: false,
  timeout: defaultTimeout,
  environment: {},
  secrets: [] as string[],
  'stores-secret': false,
};

const schema = () =>
  z
    .union([
      script.transform((text): RunValue => ({ ...defaults, script: text })),
      z
        .array(script)
        .min(1)
        .max(1000)
        .transform((list): RunValue => ({ ...defaults, list })),
      z
        .strictObject({
          script: script.optional().describe('Shell commands. Parameters are variables in it: "$name".'),
          from: payloadPath.optional().describe('A file of the patch folder with shell commands.'),
          argv: z
            .array(commandText(longestScript))
            .min(1)
            .max(1000)
            .optional()
            .describe('A program with its arguments, without a shell. Placeholders are filled in.'),
          network: z.boolean().default(false).describe('Whether the script may use the network.'),
          timeout: wholeNumber(1, 86400)
            .default(defaultTimeout)
            .describe('Seconds after which the script is killed.'),
          environment: environment.default({}),
          secrets: z
            .array(z.string().min(1))
            .max(100)
            .default([])
            .describe('Names of secret parameters that the script gets as variables.'),
          'stores-secret': storesSecret,
        })
        .refine(...oneOf('script', 'from', 'argv')),
    ])
    .describe(
      'Runs a script as root with the shell of the image. It ends at the first command that fails. A list of scripts: each has a shell of its own. ' +
        'Parameters are environment variables, with _ for -; nothing is filled into the text.',
    );

export interface RunValue {
  readonly script?: string | undefined;
  /** Scripts, each with a shell of its own. */
  readonly list?: string[] | undefined;
  readonly from?: string | undefined;
  readonly argv?: string[] | undefined;
  readonly network: boolean;
  readonly timeout: number;
  readonly environment: Record<string, string>;
  readonly secrets: string[];
  readonly 'stores-secret': boolean;
}

export const runStep = defineStep({
  kind: 'run',
  schema,
  describe: (value) => `run ${nameCommand(value)}`,
  needs: (value) => (value.network ? ['commands', 'network'] : ['commands']),
  // What a script reads is unknown before it runs.
  reads: () => ['bin/sh'],
  payload: ({ from }) =>
    from === undefined ? [] : [{ name: from, template: false, largest: longestScript }],
  secrets: {
    fields: ['environment'],
    writes: false,
    mayStore,
    list: ({ secrets }) => secrets,
    environment: ({ environment }) => environment,
  },
  shell: { isCode },
  async apply(value, context, workspace) {
    const { list = [] }: RunValue = value;
    for (const [index, script] of list.entries())
      await startOne({ ...value, list: undefined, script }, context, {
        workspace,
        place: ` (command ${index + 1} of ${list.length})`,
      });
    if (list.length === 0) await startOne(value, context, { workspace, place: '' });
    return { changed: true };
  },
});

interface Start {
  readonly workspace: Workspace;
  /** Which of several it is, for messages. */
  readonly place: string;
}

async function startOne(value: RunValue, context: StepContext, { workspace, place }: Start): Promise<void> {
  const result = await start(value, context, workspace);
  if (result.exitCode === 0) return;
  throw createStepError(
    context,
    'command-failed',
    `run ${nameCommand(value)}${place}: found exit code ${result.exitCode}, wanted 0${formatOutputTail(result.output)}`,
    { hint: explainExit(value, result) },
  );
}

/**
 * The script, and what follows an option such as -c of a program that is given as a list: `sh -c TEXT`,
 * `python3 -c TEXT`.
 */
function isCode([key, index]: readonly PropertyKey[], written: unknown): boolean {
  if (key === undefined || key === 'script' || typeof key === 'number') return true;
  if (key !== 'argv' || typeof index !== 'number') return false;
  const { argv = [] } = written as { readonly argv?: readonly unknown[] };
  return argv.slice(0, index).some((word) => typeof word === 'string' && /^-[A-Za-z]*[ce]$/.test(word));
}

async function start(value: RunValue, context: StepContext, workspace: Workspace) {
  const { network, timeout } = value;
  const { variables, secrets = {} } = context;
  const environment = Object.fromEntries(
    Object.entries({ ...variables, ...value.environment }).filter(([name]) => !Object.hasOwn(secrets, name)),
  );
  const options: ScriptOptions = { network, timeout, environment, secrets };
  if (value.argv !== undefined) return runCommand(workspace, context, value.argv, options);
  const text = value.script ?? (await readText(value.from ?? '', context));
  return runScript(workspace, context, text, [], options);
}

async function readText(name: string, context: StepContext): Promise<string> {
  const content = context.payload.get(name);
  const size = content?.size ?? 0;
  const isShort = content !== undefined && size <= longestScript;
  const bytes = Buffer.from(isShort ? await collectBytes(content.body(), longestScript, name) : []);
  const text = bytes.toString('utf8');
  if (isShort && Buffer.from(text).equals(bytes) && !text.includes('\0')) return text;
  const found = isShort ? 'bytes that are not UTF-8 text' : `${size} bytes`;
  throw createStepError(
    context,
    'script-invalid',
    `run ${name}: found ${found}, wanted a shell script of at most ${longestScript} bytes`,
  );
}

function nameCommand({ script, list, from, argv }: RunValue): string {
  if (list !== undefined) return shortenText(list.join('; '));
  if (from !== undefined) return `the script ${from}`;
  return shortenText(script ?? [basename(argv?.[0] ?? ''), ...(argv ?? []).slice(1)].join(' '));
}

/** What programs print when they find no network. */
const noNetwork =
  /could ?n[o']t resolve|temporary failure (?:in name resolution|resolving)|name or service not known|bad address|unable to resolve|network (?:is )?unreachable|no route to host|failed to connect|could not connect|connection (?:refused|timed out)|ENOTFOUND|EAI_AGAIN|ENETUNREACH|unable to connect|dns lookup/i;
/** Programs that may fail silently without a network. */
const netPrograms =
  /(?:^|[\s;&|(/])(?:curl|wget|apt|apt-get|apk|dnf|yum|zypper|pacman|git|pip3?|npm|ssh|scp|rsync|nc)\s/;

function explainExit(value: RunValue, { exitCode, output }: RunResult): string {
  if (exitCode === 137) return 'it was killed; the usual cause is a lack of memory';
  if (exitCode === 153)
    return 'it was ended at the limit for a file, 4294967295 bytes: an initrd holds no larger one';
  if (exitCode === 127) return 'the image lacks a program that the step calls';
  if (exitCode === 159)
    return 'it made a system call that a step may not make; 32-bit programs run in 32-bit images only';
  const isSilent = output.trim() === '';
  const mayNeedNetwork =
    noNetwork.test(output) ||
    (isSilent && netPrograms.test(`${value.script ?? value.argv?.join(' ') ?? ''} `));
  if (mayNeedNetwork && !value.network)
    return 'a step has no network unless it asks for one: - run: {script: ..., network: true}';
  if (mayNeedNetwork)
    return 'the step has a network: look at the address, and at the names that the image resolves';
  if (!isSilent) return 'what it printed says why; a command that may fail ends with "|| true"';
  return /[;\n]|&&|\|/.test(value.script?.trim() ?? '')
    ? 'put "set -x" in front of the script: it then prints each of its commands'
    : 'a command that may fail ends with "|| true"';
}
