import { formatPosition, type Problem } from '../yaml/problems.js';
import type { PreparedStep } from './prepare-step.js';

interface Writer {
  readonly step: PreparedStep;
  readonly mark: string;
}

/** Steps that write something else to a path than a step before them, without a `remove` of it between them. */
export function findWriteConflicts(steps: readonly PreparedStep[]): Problem[] {
  const writers = new Map<string, Writer>();
  return steps.flatMap((step) => {
    const { definition, value, context, summary, at, reads, kind, patch } = step;
    if (kind === 'remove') for (const path of reads) forget(writers, path);
    return (definition.writes?.(value, context) ?? []).flatMap(({ path, mark, isShared }): Problem[] => {
      const before = writers.get(path);
      const isChange = isShared && before?.step.patch === patch;
      if (before === undefined || isChange) writers.set(path, { step, mark });
      if (before === undefined || before.mark === mark || isChange || before.step === step) return [];
      const text = `${summary}: found that ${formatPosition(before.step.at)} writes something else to ${path}, wanted one of the two`;
      return [{ at, code: 'write-conflict', text }];
    });
  });
}

function forget(writers: Map<string, Writer>, path: string): void {
  for (const written of writers.keys())
    if (written === path || written.startsWith(`${path}/`) || written.startsWith(`${path}: `))
      writers.delete(written);
}
