import type { BootResult } from './boot.js';

/** A stage, a service or a program in the boots of both images; absent where one does not have it. */
interface Pair<Value> {
  readonly name: string;
  readonly stock?: Value | undefined;
  readonly patched?: Value | undefined;
}

/** The boot of the image as it was, beside that of the patched one. */
export interface StockComparison {
  readonly stock: BootResult;
  /** Of the stages that either has reached: seconds of the guest's time. */
  readonly stages: readonly Pair<number>[];
  /** States of services, of programs where the init system keeps no list; only where they differ. */
  readonly services: readonly Pair<string>[];
  /** `services` is empty: programs still came to stay or had just gone at the last look, or the lists of the guests are of different kinds. */
  readonly unsettled?: true | undefined;
  /** KiB in use when the system was up; absent where one of the guests does not tell. */
  readonly memory?: { readonly stock: number; readonly patched: number } | undefined;
  /** Lines of the console that tell of an error, unlike any of the stock image. */
  readonly errors: readonly string[];
}
