import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readSignature } from '../../io/file/examine-file.js';
import type { FileAccess } from '../../model/access.js';
import { createErrorReport } from '../../model/error/error.js';
import type { Deployed } from '../../model/result/deployed.js';
import type { Outcome, Report } from '../../model/result/report.js';
import type { OpenSession } from '../../setup/session.js';
import { type ReapplyOptions, reapply } from '../reapply.js';
import { findTarget, type Target } from '../target.js';

/** Seconds without a write after which an image counts as whole. */
export const defaultSettle = 10;

export interface WatchOptions extends Omit<ReapplyOptions, 'onReport'> {
  /** Seconds between two looks at the image. */
  readonly interval: number;
  /** Default: `defaultSettle`. */
  readonly settle?: number | undefined;
}

export type WatchEvent =
  /** Comes first; `image`: the real path. */
  | { readonly kind: 'watching'; readonly image: string }
  | ({ readonly kind: 'deployed'; readonly deployed: Deployed } & WatchReport)
  | ({ readonly kind: 'failed'; readonly error: unknown } & WatchReport);

/** Of the build, if there was one. */
export interface WatchReport {
  readonly report?: Report | undefined;
  /** Who may read the image. */
  readonly access?: FileAccess | undefined;
}

/** Failures that only another change of the image can end. */
const finalKinds = new Set(['invalid', 'boot', 'unwanted']);

/**
 * Runs `reapply` at the start and whenever the image changed, until the signal of the session is aborted. Looks
 * at the image from time to time, since an updater replaces whole folders and with them what a watcher of the
 * system watches. Each `reapply` gets a session of its own, whose cache is trimmed when it ends. Errors: those of
 * `findTarget`, at the start.
 */
export async function* watch(
  { interval, settle = defaultSettle, ...options }: WatchOptions,
  openSession: () => Promise<OpenSession>,
): AsyncGenerator<WatchEvent, void, void> {
  await using session = await openSession();
  const { signal } = session;
  const target = await findTarget(options.request, session);
  yield { kind: 'watching', image: target.folder.image };
  let handled: string | undefined;
  while (!signal.aborted) {
    const seen = await look(target);
    if (seen !== undefined && seen !== handled) {
      const event = await tryReapply({ ...options, settle }, openSession);
      if (signal.aborted) return;
      yield event;
      // The image that reapply installed is no change; a transient failure is tried again.
      handled = isDone(event) ? await look(target) : undefined;
    }
    await wait(interval * 1000, undefined, { signal }).catch(() => {});
  }
}

/** Changes with the image, and where the next version's image has another name, with the names beside it. */
async function look({ folder, image }: Target): Promise<string | undefined> {
  const signature = (await readSignature(folder.image))?.signature;
  if (image?.older === undefined) return signature;
  return [signature, ...(await readdir(dirname(folder.image)))].join(' ');
}

async function tryReapply(
  options: Omit<ReapplyOptions, 'onReport'>,
  openSession: () => Promise<OpenSession>,
): Promise<WatchEvent> {
  let built: WatchReport = {};
  const onReport = (report: Report, { access }: Outcome) => {
    built = { report, access };
  };
  try {
    await using session = await openSession();
    return { kind: 'deployed', deployed: await reapply({ ...options, onReport }, session), ...built };
  } catch (error) {
    return { kind: 'failed', error, ...built };
  }
}

function isDone(event: WatchEvent): boolean {
  if (event.kind !== 'failed') return true;
  const { kind, code } = createErrorReport(event.error);
  return finalKinds.has(kind) || code === 'image-foreign';
}
