import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openImage } from '#src/unpack/open-image.js';
import { bootTest, createInit, withBench } from './tiny-guest.js';
import { createTinyArchive } from './tiny-image.js';

const signal = new AbortController().signal;

bootTest('an attested boot names the file whose bytes a kernel has unpacked wrongly without a word', (t) =>
  withBench(t, async ({ folder, boot }) => {
    const archive = await createTinyArchive(createInit('echo hello'), [
      { path: 'etc/data', body: 'a text that stands in the archive as it is' },
    ]);
    const [right, wrong] = ['right', 'wrong'].map((name) => join(folder, name));
    const bytes = gzipSync(archive, { level: 0 });
    await writeFile(right ?? '', bytes);
    bytes[bytes.indexOf('a text that stands')] = 0x41;
    await writeFile(wrong ?? '', bytes);
    await using image = await openImage(right ?? '', { signal });
    const expects = [{ console: '^hello$' }];
    const good = await boot(right ?? '', { expects, attest: true }, { archive: image });
    t.is(good.verdict, 'passed');
    t.deepEqual(good.attestation?.differences, []);
    // The root itself, and what the kernel brings: /dev/console and /root.
    t.is(good.attestation?.paths, image.entries.size + 3);
    t.deepEqual(good.attestation?.added, []);
    const bad = await boot(wrong ?? '', { expects, attest: true }, { archive: image });
    t.is(bad.verdict, 'refused');
    t.is(bad.endedAt, 'attested');
    t.is(bad.reason, 'the guest has not unpacked what the image holds: etc/data (content)');
  }),
);
