import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test from 'ava';

/** Names of files outside of src/io that open files themselves, and why nobody else can have put a FIFO there. */
const exceptions: Readonly<Record<string, string>> = {
  'attester.ts': 'a program of the package',
  'check-records.ts': 'a file that was just written (O_EXCL), in a private folder',
  'completion.ts': 'a script of the package',
  'instantiate.ts': 'a module of the package',
  'probed-image.ts': 'a new file in a private folder (O_EXCL)',
  'reapply.ts': 'a log that is appended to (O_NONBLOCK)',
  'body-file.ts': 'a new file in a private folder (O_EXCL)',
  'boot-output.ts': 'the console of the boot, in a private folder',
  'boot.ts': 'the image to boot, in a private folder',
  'bodies.ts': 'regular files of a private folder in which nothing runs',
  'collect.ts': 'regular files of a private folder in which nothing runs',
  'entries.ts': 'a new file in a private folder (O_EXCL)',
  'groups.ts': '/proc',
  'guest-clock.ts': '/proc',
  'mend-tables.ts': 'what a program has just written in a private folder',
  'mount-points.ts': 'new files (O_EXCL)',
  'narrow.ts': 'regular files of a private folder in which nothing runs',
  'network-files.ts': 'files of /etc, and copies of them',
  'place-overlays.ts': 'the base image, which was opened before; new files (O_EXCL)',
  'probe.ts': '/proc; a new file in a private folder (O_EXCL)',
  'resource-limits.ts': '/proc',
  'run-job.ts': 'blobs of a private folder, held against their digests',
  'runtime-log.ts': 'the log of a runtime in a private folder',
  'write-entry.ts': 'new files (O_EXCL)',
  'write-erofs.ts': 'new files (O_EXCL)',
  'secrets.ts': 'a new key (O_EXCL)',
  'to-tar.ts': 'a file in a private folder',
  'verify.ts': 'the console of the boot, in a private folder',
  'version.ts': 'a file of the package',
};

const openers =
  /\b(?:open|openSync|readFile|readFileSync|createReadStream|copyFile|copyFileSync|cp|cpSync)\b/;

test('every file that somebody else could have put there is opened by openRegular', (t) => {
  const source = 'src';
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.startsWith('io/'),
  );
  const found = files.filter((file) => {
    const imports = readFileSync(join(source, file), 'utf8').matchAll(
      /^import \{([^}]*)\} from 'node:fs(?:\/promises)?';/gm,
    );
    return [...imports].some(([, names = '']) => openers.test(names));
  });
  const names = new Set(found.map((name) => basename(name)));
  t.deepEqual(
    [...names].filter((name) => !Object.hasOwn(exceptions, name)),
    [],
  );
});
