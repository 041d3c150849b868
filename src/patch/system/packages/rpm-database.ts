import { formatOutputTail, runScript } from '../run-script.js';
import { createStepError } from '../step-context.js';
import { readText } from '../workspace-files.js';
import { type InstalledOptions, type Packages, packageScratch } from './manager.js';

/** Of Fedora and Red Hat, and of others. */
const folders = ['usr/lib/sysimage/rpm', 'var/lib/rpm'];

const inFolders = (names: readonly string[]) =>
  folders.flatMap((folder) => names.map((name) => `${folder}/${name}`));

/** SQLite, SUSE's own format, and Berkeley DB until rpm 4.16. */
export const rpmDatabases = inFolders(['rpmdb.sqlite', 'Packages.db', 'Packages']);

/**
 * Locks and shared memory. The write-ahead log is empty once the last program that had the database open has ended
 * (SQLite, "Write-Ahead Logging").
 */
export const rpmTraces = inFolders([
  ...['.rpm.lock', 'rpmdb.sqlite-shm', 'rpmdb.sqlite-wal', '.dbenv.lock'],
  ...['__db.001', '__db.002', '__db.003'],
]);

const format = '%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\\n';

/** Asks rpm: its database has three formats, all binary. The list may be longer than an output that is kept. */
export async function readRpmDatabase({ workspace, context }: InstalledOptions): Promise<Packages> {
  const args = [format, `/${packageScratch}`];
  const { exitCode, output } = await runScript(workspace, context, 'rpm -qa --qf "$1" >"$2"', args);
  const list = exitCode === 0 ? await readText(workspace, packageScratch) : undefined;
  await workspace.restore(packageScratch);
  for (const path of rpmTraces) await workspace.restore(path);
  if (list !== undefined) return parseRpmList(list);
  throw createStepError(
    context,
    'package-failed',
    `rpm could not list what is installed (exit code ${exitCode})${formatOutputTail(output)}`,
    { hint: 'the image needs the program rpm, and a database that it can read' },
  );
}

/** Lines `NAME VERSION`. Trusted keys are packages to rpm, not to anybody else. */
function parseRpmList(text: string): Packages {
  const lines = [...text.matchAll(/^(\S+) (\S+-\S+)$/gm)];
  return new Map(
    lines.flatMap(([, name = '', version = '']) => (name === 'gpg-pubkey' ? [] : [[name, version]])),
  );
}
