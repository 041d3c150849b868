import { z } from 'zod';
import {
  isBootconfigKey,
  isBootconfigValue,
  removeBootconfigKey,
  setBootconfigKey,
} from '../../../format/bootconfig/bootconfig-edit.js';
import { longestBootconfig, parseBootconfig } from '../../../format/bootconfig/bootconfig-parser.js';
import { lineOfBootconfig, showBootconfigKey } from '../../../format/bootconfig/bootconfig-text.js';
import { collectBytes } from '../../../io/collect.js';
import { createStepError, type StepContext } from '../../system/step-context.js';
import { defineStep } from '../definition.js';
import { payloadPath, someOf } from '../schemas.js';

const key = z.string().refine(isBootconfigKey, {
  error: 'expected a key of letters, digits, _ and -, in words with dots between them: kernel.panic',
});

const value = z
  .union([z.string(), z.int().transform(String)])
  .refine(isBootconfigValue, { error: 'expected printable ASCII without both kinds of quotes' });

/** Far more than a kernel takes, which says so of a text that is too long (XBC_DATA_MAX, 32 KiB). */
const largestFile = 2 ** 20;

const schema = () =>
  z
    .strictObject({
      from: payloadPath
        .optional()
        .describe('A file of the patch folder that replaces the whole configuration.'),
      set: z
        .record(key, z.union([value, z.array(value).min(1)]))
        .optional()
        .describe('Keys with their values; a list is an array.'),
      remove: z.array(key).min(1).optional().describe('Keys that go, with all keys below them.'),
    })
    .refine(...someOf('from', 'set', 'remove'))
    .describe(
      'Changes the boot configuration at the end of the image (Documentation/admin-guide/bootconfig), which a kernel reads with "bootconfig" on its command line.',
    );

type Step = z.output<ReturnType<typeof schema>>;

export const bootconfigStep = defineStep({
  kind: 'bootconfig',
  schema,
  describe: ({ from, set = {}, remove = [] }) =>
    ['bootconfig', from, ...Object.keys(set), ...remove.map((name) => `-${name}`)]
      .filter((part) => part !== undefined)
      .join(' '),
  needs: () => [],
  reads: () => [],
  payload: ({ from }) => (from === undefined ? [] : [{ name: from, template: false, largest: largestFile }]),
  async apply(step, context, workspace) {
    const before = workspace.bootconfig();
    const text = await edit(before ?? '', step, context);
    const after = text.trim() === '' ? undefined : text;
    if (after === before) return { changed: false };
    if (after !== undefined) assertReadable(after, context);
    workspace.putBootconfig(after);
    return { changed: true, notes: listNotes(before, after) };
  },
});

async function edit(
  before: string,
  { from, set = {}, remove = [] }: Step,
  context: StepContext,
): Promise<string> {
  let text = from === undefined ? before : await readPayload(context, from);
  if (text.trim() !== '') assertReadable(text, context, from);
  for (const name of remove) text = removeBootconfigKey(text, name);
  const now = parse(text);
  for (const [name, wanted] of Object.entries(set)) {
    const values = [wanted].flat();
    if (!isSame(now.get(name), values)) text = setBootconfigKey(text, name, values);
  }
  return text;
}

async function readPayload({ payload }: StepContext, name: string): Promise<string> {
  const content = payload.get(name);
  if (content === undefined) return '';
  return Buffer.from(await collectBytes(content.body(), largestFile, name)).toString('latin1');
}

function parse(text: string): ReadonlyMap<string, readonly string[]> {
  const parsed = parseBootconfig(text);
  return 'problem' in parsed ? new Map() : parsed.keys;
}

function isSame(old: readonly string[] | undefined, values: readonly string[]): boolean {
  return (
    old !== undefined && old.length === values.length && old.every((each, index) => each === values[index])
  );
}

/** `from`: the file that it comes from; otherwise it is the image's own, or what was made of it. */
function assertReadable(text: string, context: StepContext, from?: string): void {
  const where = from ?? "the image's boot configuration";
  const parsed = parseBootconfig(text);
  if ('problem' in parsed)
    throw createStepError(
      context,
      'bootconfig-unreadable',
      `bootconfig: found in line ${lineOfBootconfig(text, parsed.at)} of ${where}: ${parsed.problem}; a kernel would boot without it`,
      { hint: from === undefined ? 'replace it as a whole: - bootconfig: {from: FILE}' : undefined },
    );
  if (text.length > longestBootconfig)
    throw createStepError(
      context,
      'bootconfig-too-large',
      `bootconfig: ${where} would have ${text.length} bytes, wanted at most ${longestBootconfig}`,
    );
}

function listNotes(before: string | undefined, after: string | undefined): string[] {
  const [old, now] = [parse(before ?? ''), parse(after ?? '')];
  const gone = [...old.keys()].filter((name) => !now.has(name)).map((name) => `removed ${name}`);
  const set = [...now]
    .filter(([name, values]) => !isSame(old.get(name), values))
    .map(([name, values]) => showBootconfigKey(name, values));
  return [...gone, ...set];
}
