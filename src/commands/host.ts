import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CommandContext } from './shared/context.js';
import { guard } from './shared/errors.js';

export interface HostFlags {
  readonly share: string;
  readonly owner?: string;
  readonly platform?: 'darwin' | 'linux';
  readonly root: string;
  readonly apply?: boolean;
  readonly remove?: boolean;
  readonly json?: boolean;
}

export function addHostCommand(program: Command, context: CommandContext): void {
  const host = program.command('host').description("the host's half of what a patch needs").exitOverride();
  host
    .command('nfs')
    .description('print what this machine needs to share a directory with the VM over NFS, or write it')
    .option(
      '--share <directory>',
      'what is shared; the parameter `share` of the patch nfs',
      parseShare,
      '/Users',
    )
    .option('--owner <uid:gid>', 'who owns what the VM writes; default: you', parseOwner)
    .addOption(new Option('--platform <name>', 'default: this one').choices(['darwin', 'linux']))
    .option('--root <directory>', 'write below it instead', '/')
    .option('--apply', 'write it, as root: lines of our own between marks, nothing else is touched')
    .option('--remove', 'remove those lines')
    .option('--json', 'what was found and done as JSON on standard output')
    .exitOverride()
    .action(
      guard(context, async (flags: HostFlags) => {
        const { runHostNfs } = await import('./host-nfs.js');
        await runHostNfs(flags, context);
      }),
    );
}

/** What exports(5) can say: the marks, the quotes and the line are its syntax. */
function parseShare(text: string): string {
  if (!/^\/[^"\\\n#]*$/.test(text))
    throw new InvalidArgumentError('wanted an absolute path without quotes, backslashes and #');
  return text.length > 1 ? text.replace(/\/+$/, '') : text;
}

function parseOwner(text: string): string {
  if (!/^\d{1,10}:\d{1,10}$/.test(text)) throw new InvalidArgumentError('wanted UID:GID');
  return text;
}
