import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { noBench } from '../boot/tiny-guest.js';
import { createArchive, createTestFolder, directory, file, gzip } from '../fixtures/archive.js';
import { createDisk, installProgram, runDebianGuest } from '../fixtures/images/debian-guest.js';
import { findKernel } from '../fixtures/images/kernel.js';
import { declareSerialTest, findMissingProgram, notRoot } from '../fixtures/needs.js';
import { createApplication, createRelease, sha256 } from './application.js';

const missing = noBench ?? notRoot ?? findMissingProgram('debootstrap', 'mke2fs', 'depmod');

/** About 300 KB, so that it has blocks of its own on the disk. */
const large = gzip(
  createArchive([
    directory('.'),
    directory('etc'),
    file('init', '#!/bin/sh\n', { mode: 0o100755 }),
    file('etc/noise', randomBytes(300_000).toString('latin1')),
  ]),
);

/** Upgrades in the guest; the second one comes while the first one is being patched. */
const releases = { '1.13.0': createRelease({ os: '2' }), '1.13.1': createRelease({ os: '3', second: true }) };

declareSerialTest(
  missing,
  'in a booted Debian: units of systemd patch an upgrade, and a disk with EIO keeps the old image',
  async (t) => {
    const kernel = await findKernel();
    if (typeof kernel === 'string') throw new Error(kernel);
    const work = await createTestFolder(t);
    const [files, other, disk] = [join(work, 'srv'), join(work, 'other'), join(work, 'disk.ext4')];
    await installProgram(join(files, 'moby-patch'));
    const { folder } = await createApplication(join(files, 'project'));
    // systemd sees no change while the service runs: the second upgrade comes just then, once.
    const gate = 'application:\n  running: [sh, /srv/running.sh]\n';
    const definition = join(folder, 'images/app.yaml');
    await writeFile(definition, (await readFile(definition, 'utf8')) + gate);
    for (const [version, image] of Object.entries(releases)) {
      const release = await createApplication(join(work, version), image);
      await release.upgrade(version, image);
      await mkdir(join(files, version));
      await copyFile(release.image, join(files, version, 'initrd.img'));
      await copyFile(join(release.folder, 'App/Contents/Info.plist'), join(files, version, 'Info.plist'));
    }
    for (const name of ['test.sh', 'running.sh', 'units.sh', 'disk.sh'])
      await copyFile(join('test/deploy/guest', name), join(files, name));
    await createApplication(join(other, 'project'), large);
    await createDisk(other, disk, 64);
    const shown = readParts(
      await runDebianGuest({ kernel, work, files, disks: [disk], timeout: 900 }, (line) => t.log(line)),
    );
    expectUnits(t, shown);
    expectDisk(t, shown);
  },
);

interface Part {
  readonly text: string;
  readonly code: number;
}

/** `<name>`, lines, `</name CODE> SECONDS` */
function readParts(console: string): (name: string) => Part {
  const found = console.matchAll(/^<([\w-]+)>\n([\s\S]*?)^<\/\1 (\d+)> ([\d.]+)$/gm);
  const parts = new Map(
    [...found].map(([, name = '', text = '', code]) => [name, { text, code: Number(code) }]),
  );
  return (name) => parts.get(name) ?? { text: `no ${name} in: ${console}`, code: -1 };
}

function expectUnits(t: ExecutionContext, shown: (name: string) => Part): void {
  t.is(shown('first').text, 'systemd\n');
  t.is(shown('apply').code, 0, shown('apply').text);
  t.regex(
    shown('install').text,
    /^wrote .*\.path\nwrote .*\.service\nsystemd-analyze verify finds nothing wrong\n$/,
  );
  t.is(shown('enabled').text, 'enabled\n');
  t.is(shown('active').text, 'active\n');
  t.is(shown('waited').code, 0, shown('waited').text + shown('journal').text);
  t.is(shown('service').text, 'Result=success\nExecMainStatus=0\nActiveState=inactive\n');
  t.regex(shown('journal').text, /written to while it was backed up; trying again/);
  t.regex(shown('journal').text, /was upgraded: .*from 1\.12\.0 to 1\.13\.1/);
  t.is(shown('status').code, 0, shown('status').text);
  t.regex(shown('status').text, /^patched: app: motd applied at /);
  t.is(shown('content').text, 'hello world\n3\n');
  t.is(shown('restarting').text, 'auto-restart\n');
  t.is(shown('uninstall').code, 0, shown('uninstall').text);
  t.is(shown('files').text, '');
  t.is(shown('units').text, '');
}

function expectDisk(t: ExecutionContext, shown: (name: string) => Part): void {
  const stock = `${sha256(large)}\ninitrd.img\n`;
  t.is(shown('disk-before').text, stock);
  for (const name of ['disk-apply', 'disk-restore']) {
    t.is(shown(name).code, 5, shown(name).text);
    t.regex(
      shown(name).text,
      /the disk does not work \(EIO at fsync\); nothing was replaced \[disk-failed\]/,
    );
  }
  t.regex(shown('disk-kernel').text, /I\/O error 10 writing to inode/);
  t.is(shown('disk-apply-after').text, stock);
  t.is(shown('disk-apply-again').code, 0, shown('disk-apply-again').text);
  t.is(shown('disk-read').code, 5, shown('disk-read').text);
  t.regex(shown('disk-read').text, /initrd\.img: cannot read the file: .*EIO at read.* \[image-unreadable\]/);
  t.regex(shown('disk-restore-after').text, /^[0-9a-f]{64}\ninitrd\.img\n$/);
  t.not(shown('disk-restore-after').text, stock);
  t.is(shown('disk-restore-again').code, 0, shown('disk-restore-again').text);
  t.is(shown('disk-after').text, stock);
}
