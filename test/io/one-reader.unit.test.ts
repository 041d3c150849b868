import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';

/** Files outside of src/io that open files themselves, and why nobody else can have put a FIFO there. */
const exceptions: Readonly<Record<string, string>> = {
  'commands/completion.ts': 'a script of the package',
  'compress/deflate-worker.ts': 'a module of the package',
  'deploy/replace-image.ts': 'a draft that it creates (O_EXCL), and a folder',
  'engine/docker/body-file.ts': 'a new file in a private folder (O_EXCL)',
  'engine/local/bodies.ts': 'regular files of a private folder in which nothing runs',
  'engine/local/collect.ts': 'regular files of a private folder in which nothing runs',
  'engine/local/groups.ts': '/proc',
  'engine/local/mount-points.ts': 'new files (O_EXCL)',
  'engine/local/narrow.ts': 'regular files of a private folder in which nothing runs',
  'engine/local/network-files.ts': 'files of /etc, and copies of them',
  'engine/local/probe.ts': '/proc',
  'engine/local/resource-limits.ts': '/proc',
  'engine/local/runtime-log.ts': 'the log of a runtime in a private folder',
  'folder/write-entry.ts': 'new files (O_EXCL)',
  'setup/secrets.ts': 'a new key (O_EXCL)',
  'unpack/export/to-tar.ts': 'a file in a private folder',
  'verify/boot/probe.ts': 'a new file in a private folder (O_EXCL)',
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
  t.deepEqual(found.sort(), Object.keys(exceptions).sort());
});
