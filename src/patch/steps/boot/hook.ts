import { z } from 'zod';
import { quoteWord } from '../../../io/process/script.js';
import type { StepOutcome } from '../../../model/patch/patch.js';
import type { At } from '../../system/init/init-system.js';
import { putHook } from '../../system/initramfs/put-hook.js';
import { describeStages, requireInitramfs } from '../../system/initramfs/stages.js';
import { requireInterpreter } from '../../system/interpreter.js';
import { largestPayload, readPayloadText } from '../../system/payload-text.js';
import { createStepError } from '../../system/step-context.js';
import { combine } from '../../system/text-file.js';
import { putIfDifferent } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { commandText, longestCommandText, oneOf, payloadPath, serviceName } from '../schemas.js';

const schema = () =>
  z
    .strictObject({
      name: serviceName.describe('The name of the hook, in the image.'),
      stage: z
        .string()
        .regex(/^[a-z][a-z-]{1,31}$/, { error: 'expected a stage such as "early"' })
        .describe("When it runs: a name of the table below, or one of the image's own."),
      run: commandText(longestCommandText)
        .min(1)
        .optional()
        .describe(
          'Shell commands, which end at the first that fails. Parameters are variables in it: "$name".',
        ),
      from: payloadPath
        .optional()
        .describe('A script of the patch folder, with the program of its first line.'),
    })
    .refine(...oneOf('run', 'from'))
    .describe(
      'Runs commands in the early initramfs, before the real root file system takes over. `$NEWROOT` is where that is mounted. A hook that fails does not end the boot.',
    );

export const hookStep = defineStep({
  kind: 'hook',
  schema,
  describe: ({ name, stage }) => `hook ${name} at ${stage}`,
  needs: () => [],
  reads: ({ name }) => ['init', scriptPath(name)],
  payload: ({ from }) =>
    from === undefined ? [] : [{ name: from, template: false, largest: largestPayload }],
  writes: ({ name, stage, run, from }, { payload }) => {
    const text = from === undefined ? run : payload.get(from)?.sha256;
    return [{ path: scriptPath(name), mark: JSON.stringify([stage, text]) }];
  },
  shell: { isCode: ([key]) => key === undefined || key === 'run' },
  async apply({ name, stage, run, from }, context, workspace) {
    const at = { workspace, context };
    const initramfs = await requireInitramfs(name, at);
    const place = initramfs.findStage(stage);
    if (place === undefined)
      throw createStepError(
        context,
        'hook-stage',
        `hook ${name}: found ${initramfs.kind} (${initramfs.evidence}) in the image, wanted one of its stages: ${describeStages(initramfs)}`,
      );
    const text = from === undefined ? `#!/bin/sh -e\n${run}` : await readPayloadText(context, from);
    const interpreter = await requireInterpreter({ text, what: `hook ${name}` }, at);
    const hook = { name, path: `/${scriptPath(name)}`, variables: listVariables(context.variables) };
    const notes = [
      `${initramfs.kind}: ${place}`,
      ...(interpreter === 'bin/sh' ? [] : [`run by ${interpreter}`]),
    ];
    // First what may turn out to be impossible.
    const outcome = await putHook(hook, { initramfs, place }, at);
    return combine([outcome, await putScript(name, text, at)], notes);
  },
});

function scriptPath(name: string): string {
  return `etc/moby-patch/hooks/${name}`;
}

function putScript(name: string, text: string, { workspace }: At): Promise<StepOutcome> {
  const content = new TextEncoder().encode(text.endsWith('\n') ? text : `${text}\n`);
  return putIfDifferent(workspace, { path: scriptPath(name), type: 'file', mode: 0o755, content });
}

function listVariables(variables: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(variables).map(([name, value]) => `${name}=${quoteWord(value)}`);
}
