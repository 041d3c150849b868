import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createScratch } from '../../../io/place/scratch.js';
import { startGuest } from './guest.js';
import type { Accelerator } from './machine.js';

/**
 * A boot sector that writes a word to the first serial port and halts:
 * cld; xor ax,ax; mov ds,ax; mov dx,0x3f8; mov si,text; next: lodsb; test al,al; jz end; out dx,al; jmp next; end: cli;
 * again: hlt; jmp again.
 */
const program = Buffer.from('fc31c08ed8baf803be177cac84c07403eeebf8faf4ebfd', 'hex');
const word = 'runs';
const sectorSize = 512;
const diskSize = 64 * 1024;

/** Seconds; emulated on a busy machine it takes two. */
const usualLimit = 15;

export interface TrialOptions {
  /** The QEMU program for x86_64. */
  readonly qemu: string;
  readonly accelerator: Accelerator;
  readonly signal: AbortSignal;
  /** Seconds. */
  readonly limit?: number;
}

/**
 * Runs a program of some bytes in a guest, which needs no kernel. Why it does not run; undefined when it does. Nothing
 * less is proof: on some machines `/dev/kvm` can be opened, and the guest never leaves the firmware.
 */
export async function tryAccelerator({
  qemu,
  accelerator,
  signal,
  limit = usualLimit,
}: TrialOptions): Promise<string | undefined> {
  await using scratch = await createScratch();
  const disk = join(scratch.path, 'disk.img');
  await writeFile(disk, createDisk());
  const argv = [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-m', '32'],
    ...['-machine', `pc,accel=${accelerator}`, '-cpu', accelerator === 'kvm' ? 'host' : 'max'],
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ...['-drive', `file=${disk},format=raw,if=ide`],
  ];
  const { promise: answer, resolve } = createAnswer();
  let text = '';
  const onConsole = (chunk: Uint8Array) => {
    text = (text + Buffer.from(chunk).toString('latin1')).slice(-sectorSize);
    if (text.includes(word)) resolve(undefined);
  };
  await using guest = startGuest([qemu, ...argv], signal, { onConsole });
  const timer = setTimeout(() => resolve(`a guest printed nothing within ${limit} s`), limit * 1000);
  guest.exited.then(
    ({ message, exitCode }) => resolve(message.split('\n').at(-1) || `QEMU ended with ${exitCode}`),
    (error) => resolve(String(error.message)),
  );
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
    signal.throwIfAborted();
  }
}

function createDisk(): Buffer {
  const disk = Buffer.alloc(diskSize);
  program.copy(disk);
  disk.write(`${word}\n\0`, program.length, 'latin1');
  disk.writeUInt16LE(0xaa55, sectorSize - 2);
  return disk;
}

function createAnswer() {
  let resolve: (why: string | undefined) => void = () => {};
  const promise = new Promise<string | undefined>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
