import type { Command } from 'commander';
import { showPath } from '../format/path.js';
import { MobyPatchError } from '../model/error.js';
import { resolvePath } from '../tree/resolve.js';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { printData } from './shared/print.js';

export function addCatCommand(program: Command, context: CommandContext): void {
  program
    .command('cat')
    .description('write a file of an image to standard output; symlinks are followed inside the image')
    .argument('<image>', 'a file, - for standard input, or the id of an image definition')
    .argument('<path>', 'the file inside the image')
    .action(guard(context, (name: string, path: string) => runCat(name, path, context)));
}

async function runCat(name: string, path: string, context: CommandContext): Promise<void> {
  const { openNamedImage } = await import('../setup/named-image.js');
  await using image = await openNamedImage(name, createReader(context), { input: context.stdin });
  const found = image.entries.get(resolvePath((at) => image.entries.get(at), path, true) ?? '');
  if (found?.type !== 'file') {
    throw new MobyPatchError(
      'invalid',
      found === undefined ? 'path-not-found' : 'path-not-file',
      `found ${found === undefined ? 'nothing' : `a ${found.type}`} at ${showPath(path)}, wanted a regular file`,
      {
        path: name,
        hint: `moby-patch ls ${name}`,
      },
    );
  }
  for await (const piece of found.body()) await printData(context, piece);
}
