import { createErrorReport } from '../../model/error/error.js';
import type { Session } from '../../model/session.js';

export interface Finding {
  readonly name: string;
  readonly ready: boolean;
  /** Whether a build with commands, or a boot, fails without it. */
  readonly needed: boolean;
  readonly reason: string;
  /** What makes it ready, or better. */
  readonly hint?: string | undefined;
}

export interface ExaminedSession extends Pick<Session, 'signal' | 'engines' | 'places' | 'environment'> {
  /** Of this program. */
  readonly version: string;
}

/** A finding for what is there if `work` succeeds, with the reason that it gives. */
export async function examine(
  { name, needed = false }: { readonly name: string; readonly needed?: boolean },
  work: () => Promise<string>,
): Promise<Finding> {
  try {
    return { name, ready: true, needed, reason: await work() };
  } catch (error) {
    const { code, message, hint } = createErrorReport(error);
    if (code === 'interrupted') throw error;
    return { name, ready: false, needed, reason: message, hint };
  }
}
