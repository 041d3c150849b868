import type { Command } from 'commander';
import type { PatchFlags } from '../setup/flags.js';
import type { ProjectRequest } from '../tasks/project/create-project.js';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { collect } from './shared/options.js';
import { printJson, printLines } from './shared/print.js';

interface InitFlags extends Omit<ProjectRequest, 'patches' | 'settings'>, Omit<PatchFlags, 'secret'> {
  readonly json?: boolean;
}

export function addInitCommand(command: Command, context: CommandContext): void {
  command
    .option('-i, --image <image>', 'the stock image; default: the file initrd* or initramfs* of this folder')
    .option('--kernel <file>', 'the kernel that boots it; default: the one beside it')
    .option('-p, --patch <patch>', 'a patch instead of the example (repeatable)', collect)
    .option('-s, --set <name=value>', 'the value of a parameter of a patch (repeatable)', collect)
    .option('-o, --output <file>', 'where builds put the new image', 'initrd.patched.img')
    .option('--force', 'replace files that are there already')
    .option('--dry-run', 'print the files; write nothing')
    .option('--json', 'what was written as JSON on standard output')
    .action(guard(context, (flags: InitFlags) => runInit(flags, context)));
}

async function runInit(flags: InitFlags, context: CommandContext): Promise<void> {
  const { createProject } = await import('../tasks/project/create-project.js');
  const { parseSettings } = await import('../setup/flags.js');
  const { patch: patches, set = [], ...rest } = flags;
  const request = { ...rest, ...(patches && { patches }), settings: parseSettings(set) };
  const { image, files, next } = await createProject(request, createReader({}, context));
  if (flags.json) {
    const shown = files.map(({ path, state, text }) =>
      flags.dryRun ? { path, state, text } : { path, state },
    );
    return printJson(context, { image, files: shown, next });
  }
  for (const { path, state, text } of files) {
    const lines = flags.dryRun ? text.trimEnd().split('\n').map(indent) : [];
    await printLines(context, [`${path}: ${state}`, ...lines]);
  }
  await printLines(context, [`next: ${next}`]);
}

function indent(line: string): string {
  return line === '' ? '' : `  ${line}`;
}
