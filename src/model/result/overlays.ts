import type { FileMark } from '../deployment.js';
import type { ErrorReport } from '../error/error.js';
import type { Manifest } from './manifest.js';

/** What is known of the image that all overlays stand behind. */
export interface OverlayBase extends FileMark {
  readonly name: string;
  /** From the manifest beside it; `unknown`: there is none. */
  readonly verdict: Manifest['verdict'] | 'unknown';
}

/** What was seen of one overlay itself. */
export interface OverlayChecks {
  /** The file was read back, and its records are the planned ones. */
  readonly records: number;
  /** By the kernel's rules they make the wanted changes of the base, and no others. */
  readonly changes: number;
  /**
   * `compared`: the build of a single image, with all its checks, gave the same bytes; otherwise the machine of which that was
   * seen, whose overlay has the same paths with the same kinds of files.
   */
  readonly whole: string;
  readonly boot: 'passed' | 'not booted';
}

/** The overlay of one machine. */
export interface OverlayResult {
  readonly name: string;
  /** An absolute path; absent after a failure. */
  readonly output?: string | undefined;
  /** The file that was written; hex and bytes. */
  readonly sha256?: string | undefined;
  readonly size?: number | undefined;
  readonly checks?: OverlayChecks | undefined;
  readonly error?: ErrorReport | undefined;
}

/** The value of `build --for-each --json`. */
export interface OverlaysReport {
  readonly version: 1;
  readonly failed: boolean;
  readonly base: OverlayBase;
  /** In the order of the table. */
  readonly overlays: readonly OverlayResult[];
  /** Bytes that were written, manifests included; what a file shares with the base is not written. */
  readonly written: number;
  readonly durationMs: number;
}
