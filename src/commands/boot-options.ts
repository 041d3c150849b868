import { type Command, Option } from 'commander';
import type { BootRequest } from '../model/boot.js';
import type { Expectation } from '../model/patch.js';
import { collect, parseCount } from './option-values.js';

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

export const usualTimeout = 300;

export function addBootOptions(command: Command): Command {
  return command
    .option('--kernel <file>', 'the kernel that boots the image')
    .option('--cmdline <text>', 'more kernel arguments')
    .option('--expect <regex>', 'a console line that a good boot shows (repeatable)', collect)
    .option(
      '--expect-file <path[=text]>',
      'a path that exists in the guest, with exactly this text (repeatable)',
      collect,
    )
    .option('--memory <MiB>', 'memory of the machine; default: by the size of the image', parseCount)
    .option('--timeout <seconds>', `how long the boot may take; default: ${usualTimeout}`, parseCount)
    .addOption(
      new Option(
        '--network <kind>',
        'none, isolated (reaches nothing) or host (the host is 10.0.2.2)',
      ).choices(['none', 'isolated', 'host']),
    )
    .addOption(new Option('--accelerator <kind>', 'how QEMU runs the guest').choices(['auto', 'kvm', 'tcg']));
}

/** What the options ask a good boot to show, after what an image's definition asks for. */
export function listExpectations(flags: BootFlags, consoles: readonly string[]): Expectation[] {
  const files = (flags.expectFile ?? []).map((text): Expectation => {
    const [file = '', ...content] = text.split('=');
    return content.length === 0 ? { file } : { file, content: content.join('=') };
  });
  return [...[...consoles, ...(flags.expect ?? [])].map((console) => ({ console })), ...files];
}
