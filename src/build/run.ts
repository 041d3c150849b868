import { createRedaction, type Redaction } from '../format/redaction.js';
import { createSealableCache, type SealableCache } from '../io/cache.js';
import type { FileAccess } from '../model/access.js';
import type { BuildRequest } from '../model/build.js';
import type { Cache } from '../model/cache.js';
import type { WrappedImage } from '../model/image/wrapper.js';
import type { Session } from '../model/session.js';
import { createReportDraft, type ReportDraft } from '../report/draft.js';
import type { RootTree } from '../wrapper/root/root-tree.js';

/** A file with an initrd inside. */
export interface WrappedInput extends WrappedImage {
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  readonly access: FileAccess;
  /** The tree of a file system; absent: it is no file system. */
  readonly root?: RootTree | undefined;
  /** A copy of the file system inside an initrd. */
  readonly inside?: string | undefined;
}

/** A build that is under way, as its stages see it. */
export interface Run {
  readonly draft: ReportDraft;
  readonly request: BuildRequest;
  /** Its log shows no secrets, and its cache takes nothing more once a step has seen one. */
  readonly session: Session & { readonly cache: SealableCache };
  readonly redaction: Redaction;
  /** For the steps before the first that gets a secret: never sealed. */
  readonly stepCache: Cache;
  /** What the image came out of; the request then names the file that it was copied to. */
  readonly wrapped?: WrappedInput | undefined;
}

export function createRun(request: BuildRequest, session: Session): Run {
  const redaction = createRedaction(request.secrets ?? []);
  const draft = createReportDraft(request.name, session.onStage, redaction);
  for (const warning of request.warnings ?? []) draft.warn(warning);
  return {
    draft,
    request,
    session: {
      ...session,
      cache: createSealableCache(session.cache),
      log: (line) => session.log(redaction.text(line)),
      showPart: (text) => session.showPart?.(redaction.text(text)),
      showLine: session.showLine && ((line) => session.showLine?.(redaction.text(line))),
    },
    redaction,
    stepCache: session.cache,
  };
}
