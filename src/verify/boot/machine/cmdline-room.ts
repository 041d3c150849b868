import { MobyPatchError } from '../../../model/error/error.js';
import { readKernelStart, readProtocol } from './kernel.js';

/** COMMAND_LINE_SIZE of x86 and arm64, without the NUL at its end. */
const usualRoom = 2047;

/**
 * A kernel cuts what it has no room for, or crashes on it: neither is a fault of the image. Error (`invalid`):
 * `boot-impossible`.
 */
export async function assertRoom(kernel: string, line: string): Promise<void> {
  const [length, room] = [Buffer.byteLength(line), await readRoom(kernel)];
  if (length <= room) return;
  const message = `the command line has ${length} bytes with what the verification adds, and the kernel takes ${room}`;
  throw new MobyPatchError('invalid', 'boot-impossible', message, {
    path: kernel,
    hint: 'leave out what a boot here does not need: --cmdline TEXT',
  });
}

/** A bzImage says so itself (cmdline_size of the boot protocol, from 2.06 on). */
async function readRoom(kernel: string): Promise<number> {
  const start = await readKernelStart(kernel);
  const protocol = readProtocol(start);
  if (protocol === undefined || protocol < 0x206 || start.length < 0x23c) return usualRoom;
  return start.readUInt32LE(0x238);
}
