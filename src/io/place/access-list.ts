import { stat } from 'node:fs/promises';
import type { FileAccess } from '../../model/access.js';
import { runProcess } from '../process/process.js';

/** Seconds: `ls` waits for a disk only. */
const limit = 10;

/** Who may read a file; its access list is looked for when somebody asks, once. */
export async function readAccess(path: string): Promise<FileAccess> {
  const { mode, uid, gid } = await stat(path);
  return { mode, uid, gid, hasList: createListQuestion(path) };
}

/** The same of files that may not be there: a check tells that. */
export function readAccessOfAll(paths: readonly string[] = []): Promise<FileAccess[]> {
  return Promise.all(paths.map((path) => readAccess(path).catch(() => nobody)));
}

const nobody: FileAccess = { mode: 0, uid: -1, gid: -1 };

export function createListQuestion(path: string): () => Promise<boolean> {
  let answer: Promise<boolean> | undefined;
  return () => {
    answer ??= haveAccessList([path]);
    return answer;
  };
}

/**
 * Whether one of the files has a list of users and groups (acl(5)) besides its mode, whose group bits then are the most that
 * the list grants, and say nothing of the group. Node reads no extended attributes: `ls` of coreutils and of macOS shows
 * such a file with a +. A file that is not there has none.
 */
export async function haveAccessList(paths: readonly string[]): Promise<boolean> {
  const options = process.platform === 'darwin' ? '-lde' : '-ld';
  const { output } = await runProcess(['ls', options, '-L', '--', ...paths], {
    environment: { ...process.env, LC_ALL: 'C' },
    signal: new AbortController().signal,
    timeout: limit,
    package: 'coreutils',
  }).catch(() => ({ output: '' }));
  // macOS prefers @, for other attributes, and prints the list on lines of its own.
  return /^[-a-z][-a-zA-Z]{9}\+|^ \d+: /m.test(output);
}
