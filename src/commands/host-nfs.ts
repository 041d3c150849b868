import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOverlaps, type NfsHost, planNfsHost } from '../deploy/host/nfs.js';
import { dropBlock, putBlock } from '../deploy/host/system-file.js';
import { runProcess } from '../io/process.js';
import { MobyPatchError } from '../model/error.js';
import type { HostFlags } from './host.js';
import type { CommandContext } from './shared/context.js';
import { printJson, printLines } from './shared/print.js';

type HostFile = NfsHost['files'][number];

interface Prepared {
  readonly path: string;
  readonly lines: readonly string[];
  readonly before: string | undefined;
  readonly after: string;
  readonly changed: boolean;
  /** What the system's own checker said; absent where there is none. */
  readonly checked?: string | undefined;
}

const checkTimeout = 30;
const block = 'nfs';

export async function runHostNfs(flags: HostFlags, context: CommandContext): Promise<void> {
  const platform = flags.platform ?? (process.platform === 'darwin' ? 'darwin' : 'linux');
  const [uid = 0, gid = 0] = chooseOwner(flags, context).split(':').map(Number);
  const host = planNfsHost(platform, { path: flags.share, uid, gid });
  const prepared: Prepared[] = [];
  for (const file of host.files) prepared.push(await prepare(file, platform, flags, context));
  const writes = flags.apply === true || flags.remove === true;
  if (writes) for (const file of prepared.filter(({ changed }) => changed)) await write(file, context);
  const changed = prepared.some((file) => file.changed);
  if (flags.json) {
    const files = prepared.map(({ path, lines, checked, ...file }) => ({
      path,
      lines,
      checked,
      changed: file.changed,
    }));
    return printJson(context, { platform, written: writes && changed, files, restart: host.restart });
  }
  await printLines(
    context,
    prepared.flatMap((file) => describe(file, writes)),
  );
  if (changed)
    await printLines(context, [writes ? `now type: ${host.restart}` : `then type: ${host.restart}`]);
}

/** `sudo` keeps who called it: the share belongs to them, not to root. */
function chooseOwner({ owner }: HostFlags, { environment }: CommandContext): string {
  if (owner !== undefined) return owner;
  const { SUDO_UID, SUDO_GID } = environment;
  return SUDO_UID !== undefined && SUDO_GID !== undefined
    ? `${SUDO_UID}:${SUDO_GID}`
    : `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
}

async function prepare(
  file: HostFile,
  platform: 'darwin' | 'linux',
  flags: HostFlags,
  context: CommandContext,
): Promise<Prepared> {
  const path = join(flags.root, file.path);
  const before = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const rest = dropBlock(before ?? '', block);
  if (flags.remove) return { path, lines: [], before, after: rest, changed: rest !== (before ?? '') };
  if (file.path === '/etc/exports') refuseOverlaps(platform, rest, flags.share, path);
  const after = putBlock(before ?? '', { name: block, lines: file.lines });
  const checked = await check(file, after, context);
  return { path, lines: file.lines, before, after, changed: after !== before, checked };
}

function refuseOverlaps(platform: 'darwin' | 'linux', exports: string, share: string, path: string): void {
  const overlaps = findOverlaps(platform, exports, share);
  if (overlaps.length === 0) return;
  throw new MobyPatchError(
    'invalid',
    'share-overlaps',
    `found a share of ${overlaps.join(', ')} already, which clashes with ${share}: the server takes only one of them`,
    { path, hint: 'remove that line first (Docker for Mac: Preferences, File Sharing)' },
  );
}

/** The system's own checker reads a copy, before anything is written. */
async function check(
  { check: argv, path }: HostFile,
  text: string,
  { signal }: CommandContext,
): Promise<string | undefined> {
  if (argv === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'moby-patch-check-'));
  try {
    const copy = join(folder, 'file');
    await writeFile(copy, text);
    const command = argv.map((word) => (word === 'FILE' ? copy : word));
    const { exitCode, output } = await runProcess(command, { signal, timeout: checkTimeout });
    if (exitCode === 0) return `${argv[0]} finds it right`;
    throw new MobyPatchError(
      'invalid',
      'host-file-invalid',
      `${argv[0]} refuses the file: ${output.trim()}`,
      {
        path,
        hint: 'nothing was written; see the other lines of the file',
      },
    );
  } catch (error) {
    if (error instanceof MobyPatchError && error.code === 'program-missing') return undefined;
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function write({ path, before, after }: Prepared, { signal }: CommandContext): Promise<void> {
  const { replaceText } = await import('../deploy/replace-text.js');
  await replaceText(path, before, after, signal);
}

function describe({ path, lines, changed, checked }: Prepared, writes: boolean): string[] {
  const state = changed ? (writes ? 'written' : 'to be written') : 'already so';
  return [
    `${path}: ${state}${checked === undefined ? '' : `; ${checked}`}`,
    ...lines.map((line) => `  ${line}`),
  ];
}
