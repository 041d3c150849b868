import { type Replacement, replaceInPlace } from '../io/place/replace-in-place.js';

/** Replaces an installed image. Errors: those of `replaceInPlace`; the hints name the commands that look and undo. */
export function replaceImage(
  replacement: Pick<Replacement, 'source' | 'sha256' | 'target' | 'signature'>,
  signal: AbortSignal,
): Promise<void> {
  const recovery = { look: 'moby-patch status', undo: 'moby-patch restore --force' };
  return replaceInPlace({ ...replacement, what: 'image', recovery }, signal);
}
