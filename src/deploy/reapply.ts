import { constants } from 'node:fs';
import { mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { showText } from '../format/show-text.js';
import { examineFile, readSignature } from '../io/file/examine-file.js';
import { createErrorReport, MobyPatchError } from '../model/error/error.js';
import type { Deployed } from '../model/result/deployed.js';
import type { Outcome, Report } from '../model/result/report.js';
import type { Session } from '../model/session.js';
import { describeDeployed } from '../report/deployed.js';
import { deployTarget } from './apply.js';
import { assessImage } from './assess-image.js';
import { findTarget, type Target, withLockedTarget } from './target.js';
import type { DeployRequest } from './wanted-patches.js';

export interface ReapplyOptions {
  readonly request: DeployRequest;
  /**
   * Seconds without a write after which the image counts as whole. With it, `reapply` waits for other programs,
   * and tries again when one of them interferes; without it, it fails at once.
   */
  readonly settle?: number | undefined;
  /** Refuse when an upstream change would be lost. Error (`failed`): `upstream-conflict`. */
  readonly strict?: boolean | undefined;
  /** Quit the application that boots the image, and start it again afterwards. */
  readonly quit?: boolean | undefined;
  /** Whether reports have the changed lines of text files that everybody may read. */
  readonly texts?: boolean | undefined;
  /** Gets the report of each build, also of a failed one. */
  readonly onReport?: ((report: Report, outcome: Outcome) => void) | undefined;
}

/** Seconds after which `reapply` gives up on an image that other programs keep writing to. */
const settleLimit = 1800;

/** Errors that end by themselves: an updater is at work, and may take the folder away before it brings another. */
const transientErrors = new Set(['image-changed', 'locked', 'image-not-installed', 'image-missing']);

/**
 * Patches the new stock image of an upgrade as the one before; safe to run at any time. An image that was restored
 * on purpose is left alone. The outcome, also an error, goes to the log of the image. Errors: those of `apply`;
 * `image-unsettled` (`failed`).
 */
export async function reapply(options: ReapplyOptions, session: Session): Promise<Deployed> {
  const { settle } = options;
  const end = performance.now() + settleLimit * 1000;
  for (;;) {
    try {
      const { deployed, image } = await reapplyOnce(options, session);
      // systemd does not see a change that comes while the service runs.
      if (settle === undefined || !(await wasReplaced(image, deployed))) return deployed;
    } catch (error) {
      if (settle === undefined || !isTransient(error) || performance.now() > end) throw error;
      session.log(`${createErrorReport(error).message}; trying again`);
      await wait(settle * 1000, undefined, { signal: session.signal });
    }
  }
}

/** `image-missing` with the kind `invalid` says that no image was named. */
function isTransient(error: unknown): boolean {
  const { code, kind } = createErrorReport(error);
  return transientErrors.has(code) && (code !== 'image-missing' || kind === 'failed');
}

/** Whether another image was installed since this one was. */
async function wasReplaced(image: string, { changed, deployment }: Deployed): Promise<boolean> {
  if (!changed || deployment === undefined) return false;
  return (await examineFile(image))?.sha256 !== deployment.patched.sha256;
}

async function reapplyOnce(
  options: ReapplyOptions,
  session: Session,
): Promise<{ deployed: Deployed; image: string }> {
  const { request, settle } = options;
  const { folder } = await findTarget(request, session);
  if (settle !== undefined) {
    session.log(`waiting until nothing has written to the image for ${settle} s`);
    await waitUntilSettled(folder.image, settle, session.signal);
  }
  try {
    const lock = { command: 'reapply', target: request, session };
    const deployed = await withLockedTarget(lock, async (target) => {
      const restored = await describeRestored(target, session);
      return restored ?? deployTarget({ ...options, target }, session);
    });
    await writeLog(folder.log, describeDeployed(deployed).join('; '));
    return { deployed, image: folder.image };
  } catch (error) {
    const { code, message } = createErrorReport(error);
    await writeLog(folder.log, `failed [${code}]: ${message}`).catch(() => {});
    throw error;
  }
}

/** The outcome for an image that was restored on purpose; undefined for all others. */
async function describeRestored(target: Target, session: Session): Promise<Deployed | undefined> {
  if ((target.predecessor ?? target.state).wanted !== 'stock') return undefined;
  const status = await assessImage({ target, wanted: undefined }, session);
  if (status.status !== 'stock' && status.status !== 'upgraded') return undefined;
  const reason = `${status.reason}; it was restored on purpose: moby-patch apply`;
  return { name: target.name, changed: false, before: { ...status, reason } };
}

/** Error (`failed`): `image-unsettled` after `settleLimit`. */
async function waitUntilSettled(path: string, quiet: number, signal: AbortSignal): Promise<void> {
  const end = performance.now() + settleLimit * 1000;
  let since = performance.now();
  let last = (await readSignature(path))?.signature;
  while (performance.now() - since < quiet * 1000) {
    if (performance.now() > end)
      throw new MobyPatchError(
        'failed',
        'image-unsettled',
        `the file was still written to after ${settleLimit} s`,
        { path },
      );
    await wait(Math.min(500, quiet * 250), undefined, { signal });
    const now = (await readSignature(path))?.signature;
    if (now === last) continue;
    [last, since] = [now, performance.now()];
  }
}

/** Bytes at which a log is renamed to `log.1`, over the one before. */
const logLimit = 1024 * 1024;

/** Appends a line with the time, for runs without a terminal (cron, launchd, systemd). */
async function writeLog(path: string, line: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size > logLimit) await rename(path, `${path}.1`);
  const time = new Date().toISOString();
  // Without O_NONBLOCK opening a FIFO would wait for a reader for ever.
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  await using log = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  await log.appendFile(`${time} [${process.pid}] ${showText(line.replaceAll('\n', ' '))}\n`);
}
