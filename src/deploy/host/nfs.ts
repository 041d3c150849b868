import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createUnreadableError, isMissing, readRegular } from '../../io/file/regular-file.js';
import { createScratch } from '../../io/place/scratch.js';
import { runProcess } from '../../io/process/process.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { ReadingSession } from '../../model/session.js';
import {
  describeServer,
  type HostPlatform,
  refuseOverlaps,
  type ServerFile,
  type ShareOwner,
} from './nfs-server.js';
import { dropBlock, putBlock, replaceText } from './system-file.js';

export interface HostNfsOptions {
  /** The folder to share: an absolute path without quotes, backslashes, `#`, line breaks and trailing slashes. */
  readonly share: string;
  /** Default: the user, also under sudo. */
  readonly owner?: ShareOwner | undefined;
  /** Default: this one. */
  readonly platform?: HostPlatform | undefined;
  /** The files of the system are below it; `/` but for tests. */
  readonly root: string;
  readonly action: 'show' | 'write' | 'remove';
}

export interface HostNfs {
  readonly platform: HostPlatform;
  /** Whether a file was written. */
  readonly written: boolean;
  readonly files: readonly {
    readonly path: string;
    /** Lines of ours; none with `remove`. */
    readonly lines: readonly string[];
    /** What the checker of the system says of the file; undefined where there is none. */
    readonly checked?: string | undefined;
    /** Whether the file differs from what was there before. */
    readonly changed: boolean;
  }[];
  /** The command that makes the server read the files. */
  readonly restart: string;
}

export type HostSession = Pick<ReadingSession, 'signal' | 'environment'>;

/**
 * Shows, writes or removes the lines that the NFS server of this machine needs to share a folder with the VM. All
 * files are checked before the first is written. Errors: `share-overlaps`, `host-file-invalid` (`invalid`), those of
 * `replaceText`.
 */
export async function configureHostNfs(options: HostNfsOptions, session: HostSession): Promise<HostNfs> {
  const { share, root, action } = options;
  const platform = options.platform ?? (process.platform === 'darwin' ? 'darwin' : 'linux');
  const owner = options.owner ?? findOwner(session);
  const server = describeServer(platform, { share, ...owner });
  const edits: FileEdit[] = [];
  for (const file of server.files) {
    const edit = { file: { ...file, path: join(root, file.path) }, platform, share };
    edits.push(action === 'remove' ? await planRemoval(edit) : await planLines(edit, session));
  }
  const changes = action === 'show' ? [] : edits.filter(({ changed }) => changed);
  for (const change of changes) await replaceText(change, session.signal);
  return {
    platform,
    written: changes.length > 0,
    files: edits.map(({ path, lines, checked, changed }) => ({ path, lines, checked, changed })),
    restart: server.restart,
  };
}

/** sudo tells who called it: the share belongs to that user, not to root. */
function findOwner({ environment: { SUDO_UID, SUDO_GID } }: HostSession): ShareOwner {
  return SUDO_UID !== undefined && SUDO_GID !== undefined
    ? { uid: Number(SUDO_UID), gid: Number(SUDO_GID) }
    : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

interface EditOptions {
  readonly file: ServerFile;
  readonly platform: HostPlatform;
  readonly share: string;
}

interface FileEdit {
  readonly path: string;
  readonly lines: readonly string[];
  readonly before: string | undefined;
  readonly after: string;
  readonly changed: boolean;
  readonly checked?: string | undefined;
}

const block = 'nfs';

async function planRemoval({ file: { path } }: EditOptions): Promise<FileEdit> {
  const before = await readText(path);
  const after = dropBlock(before ?? '', block);
  return { path, lines: [], before, after, changed: after !== (before ?? '') };
}

async function planLines({ file, platform, share }: EditOptions, session: HostSession): Promise<FileEdit> {
  const { path, kind, lines } = file;
  const before = await readText(path);
  if (kind === 'exports') refuseOverlaps({ platform, share, path, others: dropBlock(before ?? '', block) });
  const after = putBlock(before ?? '', { name: block, lines });
  const checked = await checkText(after, file, session);
  return { path, lines, before, after, changed: after !== before, checked };
}

/** Bytes. */
const largestFile = 2 ** 20;

/** Errors: `host-file-unreadable`. */
async function readText(path: string): Promise<string | undefined> {
  const bytes = await readRegular(path, largestFile).catch((cause) => {
    if (isMissing(cause)) return undefined;
    throw createUnreadableError(cause, { code: 'host-file-unreadable', what: 'the file', path });
  });
  return bytes?.toString('utf8');
}

/** Seconds. */
const checkTimeout = 30;

/** Has the checker of the system read a copy of the file; undefined where there is no checker. */
async function checkText(
  text: string,
  { path, check }: ServerFile,
  { signal }: HostSession,
): Promise<string | undefined> {
  if (check === undefined) return undefined;
  await using scratch = await createScratch();
  const copy = join(scratch.path, 'file');
  await writeFile(copy, text);
  const argv = check.map((word) => (word === 'FILE' ? copy : word));
  const result = await runProcess(argv, { signal, timeout: checkTimeout }).catch((error) => {
    if (error instanceof MobyPatchError && error.code === 'program-missing') return undefined;
    throw error;
  });
  if (result === undefined) return undefined;
  if (result.exitCode === 0) return `${argv[0]} accepts it`;
  throw new MobyPatchError(
    'invalid',
    'host-file-invalid',
    `${argv[0]} refuses the file: ${result.output.trim()}`,
    { path, hint: 'nothing was written; see the other lines of the file' },
  );
}
