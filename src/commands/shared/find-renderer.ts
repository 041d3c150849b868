import { basename } from 'node:path';
import { MobyPatchError } from '../../model/error/error.js';
import type { Renderers } from '../../report/renderers.js';

/** What writes a report to this file. Error (`invalid`): `report-unknown`. */
export function findRenderer<Value>(renderers: Renderers<Value>, file: string): (report: Value) => string {
  const name = basename(file).toLowerCase();
  for (const [ending, render] of renderers) if (name.endsWith(ending)) return render;
  throw new MobyPatchError('invalid', 'report-unknown', 'its name does not say what kind of report it is', {
    path: file,
    hint: `end it with ${[...renderers.keys()].join(', ')}`,
  });
}
