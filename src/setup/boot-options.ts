import type { BootRequest } from '../model/boot.js';
import type { Expectation } from '../model/patch.js';

/** What the command line says of a boot. */
export interface BootFlags {
  readonly kernel?: string;
  readonly cmdline?: string;
  readonly expect?: readonly string[];
  readonly expectFile?: readonly string[];
  readonly memory?: number;
  readonly timeout?: number;
  readonly network?: BootRequest['network'];
  readonly accelerator?: BootRequest['accelerator'];
}

/** Seconds. */
export const defaultTimeout = 300;

/** What a good boot shows: `consoles` of the image's definition first, then what the flags name. */
export function listExpectations(flags: BootFlags, consoles: readonly string[]): Expectation[] {
  const files = (flags.expectFile ?? []).map((text): Expectation => {
    const [file = '', ...content] = text.split('=');
    return content.length === 0 ? { file } : { file, content: content.join('=') };
  });
  return [...[...consoles, ...(flags.expect ?? [])].map((console) => ({ console })), ...files];
}
