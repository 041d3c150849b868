import { join } from 'node:path';
import test from 'ava';
import { MobyPatchError } from '#src/model/error/error.js';
import { probeKvm } from '#src/verify/boot/machine/accelerator.js';
import { bootTest, createInit, withBench } from './tiny-guest.js';
import { writeTinyImage } from './tiny-image.js';

bootTest('KVM is used where a kernel really boots with it, and otherwise not', (t) =>
  withBench(t, async ({ folder, kernel, boot }) => {
    const { signal } = new AbortController();
    const { usable, reason } = await probeKvm({
      program: 'qemu-system-x86_64',
      kernel: kernel.kernel,
      architecture: 'x86_64',
      signal,
    });
    t.log(reason);
    const image = await writeTinyImage(join(folder, 'image'), createInit('echo hello'));
    const result = await boot(image, { accelerator: 'auto' });
    t.is(result.verdict, 'passed');
    t.is(result.accelerator, usable ? 'kvm' : 'tcg');
    if (usable) return;
    const error = await t.throwsAsync(boot(image, { accelerator: 'kvm' }));
    t.true(error instanceof MobyPatchError && error.code === 'kvm-unusable');
  }),
);

test.serial('a kernel for another processor cannot use KVM', async (t) => {
  const other = process.arch === 'x64' ? 'aarch64' : 'x86_64';
  const { usable, reason } = await probeKvm({
    program: 'no-such-program',
    kernel: 'kernel',
    architecture: other,
    signal: new AbortController().signal,
  });
  t.false(usable);
  t.regex(reason, /this machine is/);
});
