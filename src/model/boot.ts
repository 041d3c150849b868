import type { Expectation } from './patch.js';

export interface BootRequest {
  /** The exact output file. */
  readonly image: string;
  readonly kernel: string;
  /** Added behind the verification's own arguments. */
  readonly cmdline: string;
  /** MiB. */
  readonly memory: number;
  /** Seconds until a silent or unfinished boot is refused. */
  readonly timeout: number;
  readonly expects: readonly Expectation[];
  /** `none`: no card; `isolated`: a card that reaches nothing; `host`: user networking, the host is 10.0.2.2. */
  readonly network: 'none' | 'isolated' | 'host';
  readonly accelerator?: 'auto' | 'kvm' | 'tcg' | undefined;
  /** Where the console is kept. */
  readonly console: string;
}

export interface ExpectationResult {
  readonly expectation: Expectation;
  readonly met: boolean;
  /** The console line or file that met it, or what was found instead. */
  readonly found: string;
}

export interface BootResult {
  readonly verdict: 'passed' | 'refused';
  /** Why it was refused, in one sentence. */
  readonly reason?: string | undefined;
  /** What the guest's marker stands for. */
  readonly reached: 'nothing' | 'init' | 'default runlevel';
  readonly accelerator: 'kvm' | 'tcg';
  readonly seconds: number;
  readonly expectations: readonly ExpectationResult[];
  /** Lines that look like trouble but do not refuse the boot. */
  readonly warnings: readonly string[];
  /** The kept console file, and its last lines when the boot was refused. */
  readonly console: string;
  readonly tail: readonly string[];
}
