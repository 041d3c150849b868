import { digestBody } from '../io/digest.js';
import type { Change } from '../model/image/change.js';
import type { Entry } from '../model/image/entry.js';
import { addToGroup } from '../model/image/groups.js';
import type { OpenWorkspace } from '../model/patch/engine.js';
import type { Step } from '../model/patch/patch.js';
import type { Plan } from '../model/patch/plan.js';

export interface Trace {
  /** Bodies are valid until the workspace is closed. */
  readonly changes: readonly Change[];
  /** Path -> the steps that wrote it, in their order. */
  readonly writers: ReadonlyMap<string, readonly string[]>;
}

export interface TraceOptions {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** Applies steps and looks after each one at what it changed, which takes much longer than applying them. */
export async function traceSteps(
  steps: readonly Step[],
  workspace: OpenWorkspace,
  { signal, log }: TraceOptions,
): Promise<Trace> {
  const writers = new Map<string, string[]>();
  const digests = new Map<Entry, string>();
  let before: ReadonlyMap<string, string> = new Map();
  let changes: readonly Change[] = [];
  for (const step of steps) {
    signal.throwIfAborted();
    const name = `${step.patch}: ${step.summary}`;
    log(`again: ${name}`);
    await step.apply(workspace);
    changes = await workspace.changes();
    const marks = await markChanges(changes, digests);
    for (const path of new Set([...before.keys(), ...marks.keys()]))
      if (before.get(path) !== marks.get(path)) addToGroup(writers, path, name);
    before = marks;
  }
  return { changes, writers };
}

/** Path -> a text that differs where the changes do. */
async function markChanges(
  changes: readonly Change[],
  digests: Map<Entry, string>,
): Promise<Map<string, string>> {
  const marks = new Map<string, string>();
  for (const change of changes) {
    if (change.op === 'remove') marks.set(change.path, 'removed');
    else marks.set(change.entry.path, await markEntry(change.entry, digests));
  }
  return marks;
}

async function markEntry(entry: Entry, digests: Map<Entry, string>): Promise<string> {
  const { type, mode, uid, gid, mtime, target = '' } = entry;
  const digest = type === 'file' ? (digests.get(entry) ?? (await digestBody(entry))) : '';
  digests.set(entry, digest);
  return [type, mode, uid, gid, mtime, target, digest].join(' ');
}

/** Paths that steps without commands write: what stands there was asked for. */
export function listDeliberate({ steps }: Pick<Plan, 'steps'>): ReadonlySet<string> {
  return new Set(steps.filter(({ needs }) => needs.length === 0).flatMap(({ reads }) => reads));
}
