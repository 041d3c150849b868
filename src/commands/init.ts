import type { Command } from 'commander';
import type { CommandContext } from './context.js';
import { guard } from './guard.js';
import { collect } from './option-values.js';

export interface InitFlags {
  readonly image?: string;
  readonly kernel?: string;
  readonly patch?: readonly string[];
  readonly set?: readonly string[];
  readonly output: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addInitCommand(program: Command, context: CommandContext): void {
  program
    .command('init')
    .description('write a moby-patch.yaml and an example of a patch into this folder')
    .option('-i, --image <image>', 'the stock image; default: the file initrd* or initramfs* of this folder')
    .option('--kernel <file>', 'the kernel that boots it; default: the one beside it')
    .option('-p, --patch <patch>', 'a patch instead of the example (repeatable)', collect)
    .option('-s, --set <name=value>', 'the value of a parameter of a patch (repeatable)', collect)
    .option('-o, --output <file>', 'where builds put the new image', 'initrd.patched.img')
    .option('--force', 'replace files that are there already')
    .option('--dry-run', 'print the files; write nothing')
    .option('--json', 'what was written as JSON on standard output')
    .action(
      guard(context, async (flags: InitFlags) => {
        const { runInit } = await import('./init-project.js');
        await runInit(flags, context);
      }),
    );
}
