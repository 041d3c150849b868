import test from 'ava';
import { listOutputChecks } from '#src/verify/preflight/output-checks.js';
import { createArchive, createTestFolder, file, gzip, openBytes, signal } from '../fixtures/archive.js';

test('the room that is looked for is that of an ISO as well, not only of the initrd in it', async (t) => {
  const folder = await createTestFolder(t);
  const image = await openBytes(t, gzip(createArchive([file('a', 'x')])));
  const request = { output: `${folder}/out.iso` };
  const options = { image, request, changes: true, payload: 0, work: 0, signal };
  const tell = (around: number) =>
    listOutputChecks({ ...options, around })
      .find(({ name }) => name === 'space')
      ?.look();
  t.regex(
    (await tell(5 * 2 ** 20)) ?? '',
    /the new image \(about 1 MiB\) and the file around it \(about 5 MiB\)$/,
  );
  t.notRegex((await tell(0)) ?? '', /around/);
  await t.throwsAsync(async () => tell(2 ** 60), { code: 'disk-full' });
});
