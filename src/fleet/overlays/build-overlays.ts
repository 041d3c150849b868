import { dirname, resolve } from 'node:path';
import pLimit from 'p-limit';
import type { BuildRequest } from '../../model/build.js';
import { createErrorReport, MobyPatchError } from '../../model/error/error.js';
import type { OverlayResult, OverlaysReport } from '../../model/result/overlays.js';
import type { Session } from '../../model/session.js';
import { type Base, openBase } from './open-base.js';
import { createOverlayWork, type OverlayWork } from './overlay-work.js';
import { createStaging } from './place-overlays.js';
import { type PreparedRow, prepareRows } from './prepare-rows.js';
import type { HostRow } from './read-table.js';

export interface OverlaysRequest {
  /** The base, the patches and what all machines share. */
  readonly build: BuildRequest;
  readonly rows: readonly HostRow[];
  /** The file with the rows, which no file replaces. */
  readonly table?: string | undefined;
  /** The path of each file, with `${COLUMN}`. */
  readonly output: string;
  /** How many of them are booted, evenly spread. */
  readonly boots: number;
  /** Whether others follow after one has failed. */
  readonly keepGoing: boolean;
}

/** Files that get their names together: a power failure leaves whole ones. */
const batchSize = 256;
/** Each waits for the disk now and then. */
const together = 8;

/**
 * A small archive for each machine of a table, behind one image that was built and proven before. The image is read once; a machine costs
 * what its own files cost. Errors: those of `openBase` and `prepareRows`; what is wrong with a machine is in its result.
 */
export async function buildOverlays(request: OverlaysRequest, session: Session): Promise<OverlaysReport> {
  const { build, keepGoing, boots } = request;
  const start = performance.now();
  const rows = prepareRows(request.rows, build, {
    template: resolve(session.places.folder, request.output),
    table: request.table,
  });
  if (boots > 0 && build.verify === undefined) throw createNoKernelError();
  await using base = await openBase(build, session);
  const work = createOverlayWork({ base, request: build, session, booted: spread(rows, boots) });
  const results: OverlayResult[] = [];
  let written = 0;
  for (let at = 0; at < rows.length; at += batchSize) {
    session.signal.throwIfAborted();
    const batch = rows.slice(at, at + batchSize);
    const done = await buildBatch(batch, base, { work, session });
    results.push(...done.results);
    written += done.written;
    session.log(`${results.length} of ${rows.length}, ${written} bytes written`);
    if (!keepGoing && done.results.some(({ error }) => error !== undefined)) break;
  }
  return {
    version: 1,
    failed: results.length < rows.length || results.some(({ error }) => error !== undefined),
    base: base.proof,
    overlays: results,
    written,
    durationMs: Math.round(performance.now() - start),
  };
}

function createNoKernelError(): MobyPatchError {
  const message = 'a boot needs a kernel, and --no-verify leaves it out';
  return new MobyPatchError('invalid', 'option-wrong', message, {
    hint: '--kernel FILE, without --no-verify',
  });
}

/** `count` of the rows, the first and the last among them. */
function spread(rows: readonly PreparedRow[], count: number): ReadonlySet<string> {
  const most = Math.min(count, rows.length);
  const indexes = Array.from({ length: most }, (_, index) =>
    most === 1 ? 0 : Math.round((index * (rows.length - 1)) / (most - 1)),
  );
  return new Set(indexes.map((index) => rows[index]?.name ?? ''));
}

interface BatchContext {
  readonly work: OverlayWork;
  readonly session: Session;
}

interface BatchResult {
  readonly results: readonly OverlayResult[];
  readonly written: number;
}

async function buildBatch(
  rows: readonly PreparedRow[],
  { image }: Base,
  { work, session }: BatchContext,
): Promise<BatchResult> {
  const { signal } = session;
  const [first] = rows;
  await using staging = await createStaging(dirname(first?.output ?? ''), [image.access]);
  const limit = pLimit(together);
  const attempt = <T>(task: () => Promise<T>) =>
    limit(async () => {
      signal.throwIfAborted();
      return task().catch((error: unknown) => {
        if (signal.aborted) throw error;
        return createErrorReport(error);
      });
    });
  const written = await Promise.all(rows.map((row) => attempt(() => work.write(row, staging))));
  const made = await Promise.all(
    written.map((each) => {
      if ('code' in each) return each;
      const proof = work.prove(each);
      return attempt(async () => work.finish(each, await proof, staging));
    }),
  );
  await staging.publish(made.flatMap((each) => ('code' in each ? [] : each.files)));
  const results = rows.map(({ name, output }, index): OverlayResult => {
    const each = made[index];
    if (each === undefined || 'code' in each) return { name, error: each };
    return { name, output, ...each.result };
  });
  const total = made.reduce((sum, each) => sum + ('code' in each ? 0 : each.written), 0);
  return { results, written: total };
}
