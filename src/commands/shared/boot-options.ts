import { type Command, Option } from 'commander';
import { defaultTimeout } from '../../setup/boot-options.js';
import { collect, parseCount } from './options.js';

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
    .option('--timeout <seconds>', `how long the boot may take; default: ${defaultTimeout}`, parseCount)
    .addOption(
      new Option(
        '--network <kind>',
        'none, isolated (reaches nothing) or host (the host is 10.0.2.2)',
      ).choices(['none', 'isolated', 'host']),
    )
    .addOption(new Option('--accelerator <kind>', 'how QEMU runs the guest').choices(['auto', 'kvm', 'tcg']));
}
