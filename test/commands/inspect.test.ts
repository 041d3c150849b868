import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createArchive, createTestFolder, directory, file, gzip, pad } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { runCli } from '../fixtures/run-cli.js';

const image = Buffer.concat([
  pad(
    gzip(
      createArchive([
        directory('.'),
        directory('etc'),
        file('etc/os-release', 'ID=alpine\nVERSION_ID=3.5.0\nPRETTY_NAME="Alpine Linux v3.5"\n'),
        directory('sbin'),
        file('sbin/apk', 'x', { mode: 0o100755 }),
        file('sbin/openrc', 'x', { mode: 0o100755 }),
        directory('lib'),
        directory('lib/modules'),
        directory('lib/modules/4.9.12-moby'),
        file('init', '#!/bin/sh\n', { mode: 0o100755 }),
        file('gone/file', 'x'),
      ]),
      9,
    ),
  ),
  gzip(createArchive([file('second', 'x')])),
]);

test('inspect reports the layout, the system, what a kernel drops and the hazards', async (t) => {
  const folder = await createTestFolder(t);
  const { code, stdout } = await runCli(folder, ['inspect', '-', '--json'], image);
  t.is(code, 0);
  const inspection = JSON.parse(stdout.toString());
  t.like(inspection, {
    size: image.length,
    root: 0,
    system: {
      os: { id: 'alpine', name: 'Alpine Linux v3.5', version: '3.5.0' },
      packageManagers: ['apk'],
      init: 'openrc',
      modules: ['4.9.12-moby'],
    },
  });
  t.deepEqual(
    inspection.hazards.map((hazard: { code: string; path: string }) => [hazard.code, hazard.path]),
    [
      ['interpreter-missing', 'bin/sh'],
      ['parent-missing', 'gone'],
    ],
  );
  t.deepEqual(inspection.dropped, [
    { name: 'gone/file', segment: 0, reason: 'its parent directory is missing' },
  ]);
  t.deepEqual(
    inspection.segments.map(({ kind, entries }: { kind: string; entries: number }) => [kind, entries]),
    image.length % 4 === 0 && inspection.segments.length === 2
      ? [
          ['cpio', 11],
          ['cpio', 1],
        ]
      : [
          ['cpio', 11],
          ['padding', 0],
          ['cpio', 1],
        ],
  );
});

test('inspect prints the same as text', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'initrd.img'), image);
  await writeFile(join(folder, 'config'), 'CONFIG_RD_XZ=y\n');
  const { stdout } = await callMoby(
    ['inspect', 'initrd.img', '--kernel', 'config', '--memory', '16'],
    folder,
    {},
  );
  const text = stdout;
  for (const wanted of [
    /^ +offset +end +size +codec +unpacked +entries/m,
    /^os +Alpine Linux v3\.5$/m,
    /^packages +apk$/m,
    /^init +openrc$/m,
    /^modules +4\.9\.12-moby$/m,
    /^ +fatal +archive 1: .*without CONFIG_RD_GZIP \[codec-not-in-kernel\]$/m,
    /^ +fatal +.*\[memory-too-small\]$/m,
    /^a kernel drops gone\/file/m,
  ])
    t.regex(text, wanted);
});
