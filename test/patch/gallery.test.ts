import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';
import type { InitName } from '#src/model/patch/init.js';
import { listPatches } from '#src/patch/language/find-patches.js';
import { loadPatch } from '#src/patch/language/load-patch.js';
import { createPlan } from '#src/patch/plan.js';
import { rehearseSteps } from '#src/patch/rehearse.js';
import { check } from '#src/tasks/check/check.js';
import { createMemoryWorkspace, type Tree } from '../fixtures/memory-workspace.js';
import { createTestSession } from '../fixtures/session.js';
import { parseTree } from './support/case-tree.js';
import { describeGallery } from './support/generated-texts.js';

const begin = '<!-- gallery -->\n';
const end = '<!-- end of the gallery -->';
const { signal } = new AbortController();
const folders = await listPatches(['patches']);
const patches = await Promise.all([...folders.values()].map(loadPatch));
const inits = ['openrc', 'systemd', 'sysvinit', 'busybox'] as const;
const certificate = readFileSync('test/patch/cases/certificate/right/example-root.pem', 'utf8');

/** Values of parameters that have no default. */
const settings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  certificates: { certificate },
  hosts: { address: '10.0.2.2', names: 'builder,builder.example.com' },
  proxy: { proxy: 'http://proxy.example.com:3128' },
  ssh: { key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILfesoif4XY8RBgmES9391oBDza1e8qAG3VrBoFAX8fz me@laptop' },
};

/** What an image of a patch has besides, or that no image with an init system is meant. */
const trees: Readonly<Record<string, Tree>> = {
  'boot2docker-nfs': { 'opt/bootscript.sh': '#!/bin/sh\n/etc/rc.d/docker\n' },
  'virtio-modules': {
    'lib/modules/6/modules.dep': ['pci', 'blk', 'scsi', 'net']
      .map((name) => `kernel/virtio_${name}.ko:\n`)
      .join(''),
    ...Object.fromEntries(
      ['pci', 'blk', 'scsi', 'net'].map((name) => [`lib/modules/6/kernel/virtio_${name}.ko`, '']),
    ),
  },
  'serial-console': { 'usr/lib/systemd/system/serial-getty@.service': '[Install]\nWantedBy=getty.target\n' },
  'emergency-shell': { 'usr/lib/systemd/system/debug-shell.service': '[Install]\nWantedBy=sysinit.target\n' },
  timezone: { 'usr/share/zoneinfo/Europe/Berlin': 'TZif2' },
  certificates: { 'etc/ssl/certs/ca-certificates.crt': '' },
  proxy: { 'etc/profile': '', 'etc/profile.d': null },
};

/** Why a patch is refused with an init system. */
const refused: Readonly<Record<string, Partial<Record<InitName, RegExp>>>> = {
  'nfs-automount': Object.fromEntries(
    inits.filter((init) => init !== 'systemd').map((init) => [init, /an automount is made by systemd/]),
  ),
};

function sketch(init: InitName, patch: string) {
  const read = (name: string) => readFileSync(join('test/patch/cases/roots', `${name}.txt`), 'utf8');
  const tree = { ...parseTree(read(`init-${init}`), read), 'usr/bin/apt-get': '', ...trees[patch] };
  const workspace = createMemoryWorkspace(tree);
  const paths = new Set(Object.keys(workspace.tree()));
  const facts = { init, packageManagers: ['apt'], has: (path: string) => paths.has(path) };
  return { workspace, facts };
}

for (const patch of patches)
  test(`the patch ${patch.id} can be done with each init system, or says why not`, async (t) => {
    for (const init of inits) {
      const { workspace, facts } = sketch(init, patch.id);
      const plan = await createPlan({
        patches: [patch],
        settings: settings[patch.id] ?? {},
        image: '0'.repeat(64),
        stamp: 7,
        facts,
      });
      const { problems } = await rehearseSteps(plan.steps, workspace, signal);
      const messages = problems.map(({ message }) => message).join('\n');
      const wanted = refused[patch.id]?.[init];
      if (wanted === undefined) t.is(messages, '', init);
      else t.regex(messages, wanted, init);
      t.true(plan.expects.length > 0 || wanted !== undefined, `${init}: a boot proves it`);
    }
  });

test('every patch of the gallery is right to the last warning', async (t) => {
  const checked = await check(
    { named: [...folders.values()], strict: true },
    createTestSession(resolve('.')),
  );
  t.deepEqual(
    checked.flatMap(({ findings }) => findings),
    [],
  );
});

test('docs/patches.md has the table of the gallery (UPDATE=1 writes it)', (t) => {
  const page = readFileSync('docs/patches.md', 'utf8');
  const start = page.indexOf(begin) + begin.length;
  const wanted = `${page.slice(0, start)}${describeGallery(patches)}${page.slice(page.indexOf(end))}`;
  if (process.env.UPDATE) writeFileSync('docs/patches.md', wanted);
  t.is(readFileSync('docs/patches.md', 'utf8'), wanted);
});

test('every patch of the gallery has a page that shows its build', (t) => {
  for (const { id, folder, parameters } of patches) {
    const page = readFileSync(join(folder, 'README.md'), 'utf8');
    t.true(page.startsWith(`# ${id}\n`), id);
    for (const name of Object.keys(parameters)) t.true(page.includes(`\`${name}\``), `${id}: ${name}`);
  }
});
