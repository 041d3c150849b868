import { encodePath } from '../../format/path.js';
import { readScript } from '../../io/process/script.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Change } from '../../model/image/change.js';
import type { OnFile } from '../../model/patch/engine.js';
import { readEntries } from '../../tar/tar-reader.js';
import { packEntries } from '../../tar/tar-writer.js';
import { isBlind } from '../rights.js';
import type { Container } from './container.js';
import { selectTravellers } from './selection.js';

/** Bytes of arguments for one command; Linux gives all of them together at least 128 KiB. */
const argumentLimit = 60_000;
const plainByte = /^[A-Za-z0-9_./+-]$/;
/** Seconds to remove paths. */
const removalLimit = 600;

/**
 * Makes these changes in a container's root, as far as they can travel. Removals come first, whatever their place in
 * the list: the caller's changes are a set, with a removal before what replaces it. Error: `docker-remove`.
 */
export async function pushChanges(container: Container, changes: readonly Change[]): Promise<void> {
  const removals: string[] = [];
  const puts = [];
  for (const change of changes) {
    if (change.op === 'put') puts.push(change.entry);
    else if (!isBlind(change.path) && change.path !== '') removals.push(change.path);
  }
  for (const paths of splitArguments(removals.map(escapePath))) await removePaths(container, paths);
  const travellers = selectTravellers(puts);
  if (travellers.length === 0) return;
  const tar = packEntries(travellers.map((entry) => ({ entry })));
  try {
    await container.putArchive(tar);
  } finally {
    tar.destroy();
  }
}

/** Passes on each regular file directly inside a folder of a container, then removes the folder. */
export async function collectFiles(container: Container, folder: string, onFile: OnFile): Promise<void> {
  const tar = await container.getArchive(`/${folder}`);
  // The command has removed the folder.
  if (tar === undefined) return;
  for await (const { record, body } of readEntries(tar)) {
    const [top, name, ...rest] = record.path.split('/');
    if (top === folder && name !== undefined && rest.length === 0 && record.type === 'file')
      await onFile({ name, size: record.size, body });
  }
  await container.run(['rm', '-rf', `/${folder}`], { timeout: removalLimit, onLine: () => {} });
}

async function removePaths(container: Container, paths: readonly string[]): Promise<void> {
  const script = readScript(new URL('./remove-paths.sh', import.meta.url));
  const { exitCode, output } = await container.run(['/bin/sh', '-c', script, 'sh', ...paths], {
    environment: { LC_ALL: 'C' },
    timeout: removalLimit,
    onLine: () => {},
  });
  if (exitCode === 0) return;
  throw new MobyPatchError(
    'failed',
    'docker-remove',
    `removing ${paths.length} paths in the container failed: ${output.trim()}`,
    { hint: exitCode === 127 ? 'the image needs the programs sh, printf and rm' : undefined },
  );
}

function escapePath(path: string): string {
  let text = '';
  for (const byte of encodePath(path)) {
    const character = String.fromCharCode(byte);
    text += plainByte.test(character) ? character : `\\0${byte.toString(8).padStart(3, '0')}`;
  }
  return text;
}

function splitArguments(words: readonly string[]): string[][] {
  const groups: string[][] = [];
  let size = argumentLimit;
  for (const word of words) {
    if (size + word.length >= argumentLimit) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1)?.push(word);
    size += word.length + 1;
  }
  return groups;
}
