import test from 'ava';
import { createArchive, file, openBytes } from '../fixtures/archive.js';
import { encodeLz4 } from '../fixtures/lz4-frame.js';

const raw = createArchive([file('hello', 'hello\n')]);

const frame = encodeLz4(raw);
const join4 = (zeros: number) => Buffer.concat([frame, Buffer.alloc(zeros), raw]);

// Booted with one zero: "Initramfs unpacking failed: Decoding failed".
for (const zeros of [0, 1, 2, 3])
  test(`an archive ${zeros} zeros behind an lz4 frame is an error, since a kernel takes it for a block`, async (t) => {
    const error = await t.throwsAsync(openBytes(t, join4(zeros)));
    t.regex(String(error?.message), /directly behind an lz4 frame, wanted at least four zeros/);
    t.like(error, { code: 'image-invalid', offset: frame.length });
  });
