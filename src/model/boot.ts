import type { Expectation } from './patch.js';

export interface BootRequest {
  /** The image file to boot. */
  readonly image: string;
  /** Hex digest of the image as it was checked; another one is not booted. Absent: any is. */
  readonly sha256?: string | undefined;
  readonly kernel: string;
  /** Kernel arguments; they follow the verification's own. */
  readonly cmdline: string;
  /** MiB. */
  readonly memory: number;
  /** Seconds after which an unfinished boot is refused. */
  readonly timeout: number;
  readonly expects: readonly Expectation[];
  /** `none`: no card; `isolated`: a card that reaches nothing; `host`: user networking, the host is 10.0.2.2. */
  readonly network: 'none' | 'isolated' | 'host';
  readonly accelerator?: 'auto' | 'kvm' | 'tcg' | undefined;
  /** The file to which the console is recorded. */
  readonly console: string;
}

export interface ExpectationResult {
  readonly expectation: Expectation;
  readonly met: boolean;
  /** What met the expectation, or what was found instead. */
  readonly found: string;
}

export interface BootResult {
  readonly verdict: 'passed' | 'refused';
  /** Why the boot was refused, in one sentence. */
  readonly reason?: string | undefined;
  /** What the guest has reported. */
  readonly reached: 'nothing' | 'init' | 'default runlevel';
  readonly accelerator: 'kvm' | 'tcg';
  readonly seconds: number;
  readonly expectations: readonly ExpectationResult[];
  /** Console lines that look like trouble but do not refuse the boot. */
  readonly warnings: readonly string[];
  /** The console file. */
  readonly console: string;
  /** The last lines of the console when the boot was refused; otherwise empty. */
  readonly tail: readonly string[];
}
