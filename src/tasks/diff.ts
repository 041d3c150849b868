import type { TreeDiff } from '../model/image/diff.js';
import type { ReadingSession } from '../model/session.js';
import { type ImageName, openNamedImage } from '../setup/named-image.js';
import { sharedWith } from '../unpack/reading.js';
import { addTextDiffs, compareImages } from '../verify/compare-images.js';

export interface DiffRequest {
  /** Files, ids of image definitions, or `-` for `input`; several files that are one image. */
  readonly before: ImageName;
  readonly after: ImageName;
  readonly input?: NodeJS.ReadableStream | undefined;
  /** Whether to add the changed lines of small text files. */
  readonly text: boolean;
}

/** How the roots of two images differ. Errors: those of `openImage`, and `image-unknown` (`invalid`). */
export async function diff(request: DiffRequest, session: ReadingSession): Promise<TreeDiff> {
  const { input, text } = request;
  const options = { digest: true, input };
  await using before = await openNamedImage(request.before, session, options);
  await using after = await openNamedImage(request.after, session, {
    ...options,
    shortcut: sharedWith(before),
  });
  const differences = await compareImages(before, after);
  return text ? await addTextDiffs(before, after, differences) : differences;
}
