import { join } from 'node:path';
import { build } from '../../build.js';
import { createScratch } from '../../io/place/scratch.js';
import type { BuildRequest } from '../../model/build.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Change } from '../../model/image/change.js';
import type { Session } from '../../model/session.js';
import { silence } from '../../setup/silence.js';
import { isBootFile } from '../../verify/hazards/find-hazards.js';
import type { Base } from './open-base.js';
import type { HostRow } from './read-table.js';

/**
 * What tells one overlay from another for the hazards of a boot: the paths, the kinds of files, and what first programs and
 * init systems read of them. A machine's own name in a path makes no difference.
 */
export function describeShape(changes: readonly Change[], { name }: HostRow): string {
  const lines = changes.map((change) => {
    if (change.op === 'remove') return ['remove', change.path];
    const { path, type, mode, uid, gid, size, target, sha256 } = change.entry;
    const content = isBootFile(path) ? sha256 : size > 0;
    return [path.replaceAll(name, '*'), type, mode, uid, gid, content, target?.replaceAll(name, '*')];
  });
  return JSON.stringify(lines);
}

export interface WholeRequest {
  readonly request: BuildRequest;
  readonly row: HostRow;
  readonly base: Base;
  /** Hex, of what is to come out. */
  readonly sha256: string;
  /** Whether it is booted. */
  readonly boots: boolean;
}

/**
 * Builds one machine's image as if it were the only one, with all checks, and boots it where that is wanted: the same bytes are to come
 * out. Errors: those of a build; `overlay-differs` (`failed`).
 */
export async function buildWhole(
  { request, row: { name, values }, base, sha256, boots }: WholeRequest,
  session: Session,
): Promise<void> {
  await using scratch = await createScratch();
  // One machine boots at a time.
  const quiet = { ...silence(session), showLine: session.showLine };
  const { report, error } = await build(
    {
      ...request,
      settings: { ...request.settings, ...values },
      mode: 'append',
      codec: base.codec,
      engine: 'stream',
      output: join(scratch.path, name),
      verify: boots ? request.verify : undefined,
    },
    quiet,
  );
  if (report.error !== undefined) throw error;
  const built = report.overlay ?? report.after;
  if (built?.sha256 === sha256) return;
  throw new MobyPatchError(
    'failed',
    'overlay-differs',
    `a build of ${name} alone gives other bytes than the table`,
    {
      hint: 'nothing was replaced; this is a defect: please report it',
    },
  );
}
