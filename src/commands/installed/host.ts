import { type Command, InvalidArgumentError, Option } from 'commander';
import type { HostNfs } from '../../deploy/host/nfs.js';
import type { CommandContext } from '../shared/context.js';
import { guard } from '../shared/errors.js';
import { printJson, printLines } from '../shared/print.js';

interface Flags {
  readonly share: string;
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly platform?: 'darwin' | 'linux';
  readonly root: string;
  readonly apply?: boolean;
  readonly remove?: boolean;
  readonly json?: boolean;
}

export function addHostCommand(host: Command, context: CommandContext): void {
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
    .action(guard(context, (flags: Flags) => runHostNfs(flags, context)));
}

async function runHostNfs(flags: Flags, context: CommandContext): Promise<void> {
  const { configureHostNfs } = await import('../../deploy/host/nfs.js');
  const { share, owner, platform, root, apply, remove } = flags;
  const action = remove ? 'remove' : apply ? 'write' : 'show';
  const host = await configureHostNfs({ share, owner, platform, root, action }, context);
  if (flags.json) return printJson(context, host);
  const isShown = action === 'show';
  await printLines(
    context,
    host.files.flatMap((file) => describeFile(file, isShown ? 'to be written' : 'written')),
  );
  if (host.files.some(({ changed }) => changed))
    await printLines(context, [`${isShown ? 'then' : 'now'} type: ${host.restart}`]);
}

function describeFile({ path, lines, changed, checked }: HostNfs['files'][number], verb: string): string[] {
  return [
    `${path}: ${changed ? verb : 'already so'}${checked === undefined ? '' : `; ${checked}`}`,
    ...lines.map((line) => `  ${line}`),
  ];
}

/** Quotes, backslashes, `#` and line breaks are syntax in exports(5). */
function parseShare(text: string): string {
  if (!/^\/[^"\\\n#]*$/.test(text))
    throw new InvalidArgumentError('wanted an absolute path without quotes, backslashes and #');
  return text.length > 1 ? text.replace(/\/+$/, '') : text;
}

function parseOwner(text: string): Flags['owner'] {
  const [, uid, gid] = /^(\d{1,10}):(\d{1,10})$/.exec(text) ?? [];
  if (uid === undefined || gid === undefined) throw new InvalidArgumentError('wanted UID:GID');
  return { uid: Number(uid), gid: Number(gid) };
}
