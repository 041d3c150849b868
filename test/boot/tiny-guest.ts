import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { BootRequest, BootResult } from '#src/model/result/boot.js';
import { type BootOptions, bootImage } from '#src/verify/boot/boot.js';
import { noBusybox } from '../fixtures/images/busybox.js';
import { findKernel, type TestKernel } from '../fixtures/images/kernel.js';
import { declareSerialTest, findMissingProgram } from '../fixtures/needs.js';

export interface BootBench {
  readonly folder: string;
  readonly kernel: TestKernel;
  boot(image: string, request?: Partial<BootRequest>, options?: Partial<BootOptions>): Promise<BootResult>;
}

const found = findMissingProgram('qemu-system-x86_64') ?? noBusybox ?? (await findKernel());

/** Why nothing can be booted here. */
export const noBench = typeof found === 'string' ? found : undefined;

/** A test that boots something; `missing`: what it lacks besides. */
export function bootTest(
  title: string,
  body: (t: ExecutionContext) => Promise<void>,
  missing?: string,
): void {
  declareSerialTest(noBench ?? missing, title, body);
}

/** Runs a test in a folder of its own with a kernel and QEMU. */
export async function withBench(
  t: ExecutionContext,
  run: (bench: BootBench) => Promise<void>,
): Promise<void> {
  if (typeof found === 'string') throw new Error(found);
  const kernel = found;
  const folder = await mkdtemp(join(tmpdir(), 'boot-test-'));
  const boot: BootBench['boot'] = (image, request = {}, options = {}) =>
    bootImage(
      {
        image,
        kernel: kernel.kernel,
        cmdline: '',
        memory: 256,
        // A ceiling for a guest that hangs: no verdict of a test comes from it.
        timeout: 900,
        expects: [],
        network: 'none',
        accelerator: 'tcg',
        console: join(folder, 'console.log'),
        ...request,
      },
      { signal: new AbortController().signal, log: (line) => t.log(line), init: 'other', ...options },
    );
  try {
    await run({ folder, kernel, boot });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A first program that stays, after the lines of its own. */
export function createInit(lines: string): string {
  return `#!/bin/sh\nexport PATH=/bin\nmount -t proc proc /proc\n${lines}\nwhile :; do sleep 1000; done\n`;
}
