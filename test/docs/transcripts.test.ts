import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import { findInstaller } from '../fixtures/images/kernel.js';
import { declareSerialTest, findMissingProgram } from '../fixtures/needs.js';
import { sampleBy } from '../fixtures/soak.js';
import { listPages } from './pages.js';
import { runPage } from './run-page.js';
import { normalise, type Page, parsePage } from './transcript.js';

const installer = await findInstaller();
const reason =
  typeof installer === 'string' ? installer : findMissingProgram('qemu-system-x86_64', 'debootstrap');

const pages = listPages()
  .map((path) => ({ path, page: parsePage(readFileSync(path, 'utf8')) }))
  .filter(({ page }) => page.transcripts.length > 0);

const listCommands = ({ transcripts }: Page) => transcripts.flatMap(({ commands }) => commands);

/** Another page that runs all commands of this one, in their order, on the same files. */
function findLonger(page: Page): (typeof pages)[number] | undefined {
  const commands = listCommands(page).map(({ command }) => command);
  return pages.find(({ page: other }) => {
    const found = listCommands(other).map(({ command }) => command);
    const places = commands.map((command) => found.indexOf(command));
    const hasFiles = page.files.every((file) => other.files.some((each) => isDeepStrictEqual(each, file)));
    const isOrdered = places.every((place, index) => place > (places[index - 1] ?? -1));
    return found.length > commands.length && hasFiles && isOrdered;
  });
}

/** Most of them boot, and the page that the README quotes boots in every run; the others do in `npm run test:soak`. */
const rare = [
  'docs/building.md',
  'docs/images.md',
  'docs/recipes/debian-installer.md',
  'docs/recipes/kdump.md',
  'docs/upgrades.md',
  'docs/verification.md',
];

for (const { path, page } of sampleBy(pages, ({ path }) => !rare.includes(path))) {
  const longer = findLonger(page);
  if (longer !== undefined) {
    test(`every command in ${path} prints what ${longer.path} shows`, (t) => {
      const shown = new Map(listCommands(longer.page).map(({ command, output }) => [command, output]));
      for (const { command, output } of listCommands(page))
        t.deepEqual(normalise(output), normalise(shown.get(command) ?? []), command);
    });
    continue;
  }
  declareSerialTest(reason, `every command in ${path} prints what the page shows`, async (t) => {
    if (typeof installer === 'string') throw new Error(installer);
    for (const { command, output, actual } of await runPage(page, installer)) {
      t.deepEqual(normalise(actual), normalise(output), `${command}; to write the page anew: npm run docs`);
    }
  });
}
