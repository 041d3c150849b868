import { encodePath } from '../../format/path.js';
import type { Change } from '../../model/change.js';
import { MobyPatchError } from '../../model/error.js';
import { packEntries } from '../../tar/tar.js';
import { isBlind, selectTravellers } from './blind.js';
import type { Container } from './container.js';
import { ask, type Daemon } from './daemon.js';
import { execCommand } from './exec.js';

/** Bytes of arguments for one command; Linux gives all of them together at least 128 KiB. */
const argumentLimit = 60_000;
const plain = /^[A-Za-z0-9_./+-]$/;

/**
 * Names come as octal escapes: a command's arguments travel in JSON, which has no bytes. The `x` keeps
 * newlines at a name's end, which `$( )` would cut.
 */
const removeScript = `for name do path=$(printf '%bx' "$name"); rm -rf -- "/\${path%x}" || exit; done`;

/**
 * Makes a container's root have these changes, as far as they can travel. Removals come first, whatever
 * their place in the list: the caller's changes are a set, with a removal before what replaces it.
 */
export async function pushChanges(
  daemon: Daemon,
  container: Container,
  changes: readonly Change[],
  signal: AbortSignal,
): Promise<void> {
  const removals: string[] = [];
  const puts = [];
  for (const change of changes) {
    if (change.op === 'put') puts.push(change.entry);
    else if (!isBlind(change.path) && change.path !== '') removals.push(change.path);
  }
  for (const paths of splitArguments(removals.map(escapePath)))
    await removePaths(daemon, container, paths, signal);
  const travellers = selectTravellers(puts);
  if (travellers.length === 0) return;
  const source = packEntries(travellers.map((entry) => ({ entry })));
  try {
    await ask(
      daemon,
      'put files into a container',
      600,
      (abortSignal) => container.handle.putArchive(source, { path: '/', abortSignal }),
      signal,
    );
  } finally {
    source.destroy();
  }
}

async function removePaths(
  daemon: Daemon,
  container: Container,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const argv = ['/bin/sh', '-c', removeScript, 'sh', ...paths];
  const result = await execCommand(daemon, container, argv, {
    environment: { LC_ALL: 'C' },
    timeout: 600,
    signal,
    onLine: () => {},
  });
  if (result.exitCode === 0) return;
  throw new MobyPatchError(
    'failed',
    'docker-remove',
    `removing ${paths.length} paths in the container failed: ${result.output.trim()}`,
    {
      hint: result.exitCode === 127 ? 'the image needs the programs sh, printf and rm' : undefined,
    },
  );
}

function escapePath(path: string): string {
  let text = '';
  for (const byte of encodePath(path)) {
    const character = String.fromCharCode(byte);
    text += plain.test(character) ? character : `\\0${byte.toString(8).padStart(3, '0')}`;
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
