import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Writes archives one behind the other, each through a program of its own. */
export async function writeCompressed(
  path: string,
  archives: readonly Iterable<Uint8Array>[],
  compressor: string,
): Promise<void> {
  await using file = await open(path, 'w');
  const [program = '', ...options] = compressor.split(' ');
  for (const archive of archives) {
    const child = spawn(program, options, { stdio: ['pipe', file.fd, 'inherit'] });
    const ended = once(child, 'close');
    if (child.stdin === null) throw new Error(`${program} has no standard input`);
    await pipeline(Readable.from(gather(archive), { objectMode: false }), child.stdin);
    const [code] = await ended;
    if (code !== 0) throw new Error(`${compressor} ended with ${code}`);
  }
}

/** A pipe takes few large pieces sooner than many small ones. */
function* gather(archive: Iterable<Uint8Array>): Generator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let size = 0;
  for (const piece of archive) {
    pieces.push(piece);
    size += piece.length;
    if (size < 256 * 1024) continue;
    yield Buffer.concat(pieces);
    pieces = [];
    size = 0;
  }
  yield Buffer.concat(pieces);
}
