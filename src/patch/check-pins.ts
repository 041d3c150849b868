import { collectBytes } from '../io/collect.js';
import { digestBody } from '../io/digest.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Entry } from '../model/image/entry.js';
import type { Pin, Step } from '../model/patch/patch.js';
import type { Workspace } from '../model/patch/workspace.js';
import { diffTexts } from '../tree/text-diff.js';
import { formatPosition } from '../yaml/problems.js';

export interface PinOptions {
  /** A workspace with the image as it is; the steps are applied to it, to see what they would write. */
  readonly workspace: Workspace;
  /** Paths whose pins may be broken. */
  readonly accept: readonly string[];
  readonly signal: AbortSignal;
}

/** An error (`invalid`, `pin-broken`) for each step that was written for another file than the image has. */
export async function checkPins(steps: readonly Step[], options: PinOptions): Promise<MobyPatchError[]> {
  const { workspace, accept, signal } = options;
  const accepted = new Set(accept.map(trim));
  const broken: MobyPatchError[] = [];
  const seen = new Set<string>();
  for (const step of steps) {
    const { pin } = step;
    // A later step of one path sees what the first has made of it.
    if (pin === undefined || accepted.has(pin.path) || seen.has(pin.path)) continue;
    seen.add(pin.path);
    const found = await workspace.follow(pin.path);
    const sha256 = found?.type === 'file' ? await digestBody(found) : undefined;
    if (sha256 === pin.sha256) continue;
    broken.push(await explainBroken(step, { pin, found, sha256 }, { workspace, signal }));
  }
  return broken;
}

const trim = (path: string) => path.replace(/^\/+/, '');

interface Broken {
  readonly pin: Pin;
  readonly found: Entry | undefined;
  readonly sha256: string | undefined;
}

async function explainBroken(
  step: Step,
  { pin, found, sha256 }: Broken,
  { workspace, signal }: Pick<PinOptions, 'workspace' | 'signal'>,
): Promise<MobyPatchError> {
  const { path } = pin;
  const vendor = found === undefined ? undefined : await readText(found);
  const kept = pin.content && Buffer.from(await collectBytes(pin.content.body(), largest, path)).toString();
  const isDone = await step.apply(workspace, signal).then(
    () => true,
    () => false,
  );
  const after = isDone ? await workspace.follow(path) : undefined;
  const patched = after === undefined ? undefined : await readText(after);
  const lines = [
    `${step.summary}: found another ${path} in the image than the patch was written for`,
    `  pinned: sha256 ${pin.sha256}`,
    `  image:  ${describe(found, sha256)}`,
    `  patch:  ${isDone ? describe(after, after?.type === 'file' ? await digestBody(after) : undefined) : 'the step is not possible with it'}`,
    ...showDiff('what the vendor has changed', kept, vendor),
    ...showDiff('what the patch would change now', vendor, patched),
  ];
  const again = sha256 === undefined ? '' : ` and pin the new one: was: ${sha256}`;
  return new MobyPatchError('invalid', 'pin-broken', lines.join('\n'), {
    path: formatPosition(step.at),
    hint: `look at the differences, correct the patch${again}; or go on with the patch as it is: --accept ${path}`,
  });
}

function describe(entry: Entry | undefined, sha256: string | undefined): string {
  if (entry === undefined) return 'nothing';
  return entry.type === 'file' ? `${entry.size} bytes, sha256 ${sha256}` : `a ${entry.type}`;
}

/** Bytes of a text that is shown. */
const largest = 256 * 1024;
const mostLines = 40;

/** Undefined for what is no text. */
async function readText(entry: Entry): Promise<string | undefined> {
  if (entry.type !== 'file' || entry.size > largest) return undefined;
  const bytes = Buffer.from(await collectBytes(entry.body(), largest, entry.path));
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) && !text.includes('\0') ? text : undefined;
}

function showDiff(title: string, before: string | undefined, after: string | undefined): string[] {
  const lines = before === undefined || after === undefined ? undefined : diffTexts(before, after);
  if (lines === undefined || lines.length === 0) return [];
  const more = lines.length > mostLines ? [`    and ${lines.length - mostLines} more lines`] : [];
  return [`  ${title}:`, ...lines.slice(0, mostLines).map((line) => `    ${line}`), ...more];
}
