import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { chooseCandidate } from '#src/catalog/candidates.js';
import { loadDefinition } from '#src/catalog/definition.js';
import { createTestFolder } from '../fixtures/archive.js';

test('each definition that ships can be read, and so can the ones that the page of images shows for one of your own', async (t) => {
  const names = (await readdir('images')).filter((name) => name.endsWith('.yaml'));
  for (const name of names) await t.notThrowsAsync(loadDefinition(join('images', name)), name);
  const page = await readFile('images/README.md', 'utf8');
  const [, own = ''] = page.split('## One of your own');
  const shown = (own.split('\n## ')[0] ?? '').match(/(?:^ {4}.*\n)+/gm) ?? [];
  t.is(shown.length, 2);
  const folder = await createTestFolder(t);
  for (const [index, text] of shown.entries()) {
    const path = join(folder, `${index}.yaml`);
    await writeFile(path, text.replace(/^ {4}/gm, ''));
    await t.notThrowsAsync(loadDefinition(path));
  }
  const tried = await Promise.all(
    names.map(async (name) => (await loadDefinition(join('images', name))).tried),
  );
  for (const name of names) t.true(page.includes(`](${name}) `), name);
  t.deepEqual(
    names.filter((_, index) => tried[index] === false),
    ['boot2docker.yaml', 'docker-for-mac.yaml'],
  );
});

const resources = '/Applications/Docker.app/Contents/Resources';
const generations: Readonly<Record<string, readonly string[]>> = {
  'Docker for Mac 1.12 until 17.06 (Moby)': ['moby/initrd.img', 'moby/vmlinuz64'],
  'Docker for Mac 17.06 to 18.x (LinuxKit ISO)': ['linuxkit/docker-for-mac.iso'],
  'Docker Desktop 2.x to about 4.1x (LinuxKit)': ['linuxkit/initrd.img', 'linuxkit/kernel'],
  'Docker Desktop, current (erofs)': ['linuxkit/boot.img', 'linuxkit/kernel'],
};
for (const [generation, files] of Object.entries(generations))
  test(`the files of ${generation} tell which generation it is`, async (t) => {
    const folder = await createTestFolder(t);
    for (const name of files) {
      await mkdir(dirname(join(folder, resources, name)), { recursive: true });
      await writeFile(join(folder, resources, name), '');
    }
    const definition = await loadDefinition('images/docker-for-mac.yaml');
    const place = (path: string) => join(folder, path);
    const chosen = await chooseCandidate(definition, { name: 'docker-for-mac', place });
    t.is(chosen.generation, generation);
  });
