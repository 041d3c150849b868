import { readFileSync } from 'node:fs';
import { findInstaller } from '../fixtures/kernel.js';
import { declareSerialTest, findMissingProgram } from '../fixtures/needs.js';
import { listPages } from './pages.js';
import { runPage } from './run-page.js';
import { normalise, parsePage } from './transcript.js';

const installer = await findInstaller();
const reason =
  typeof installer === 'string' ? installer : findMissingProgram('qemu-system-x86_64', 'debootstrap');

for (const path of listPages()) {
  const page = parsePage(readFileSync(path, 'utf8'));
  if (page.transcripts.length === 0) continue;
  declareSerialTest(reason, `every command in ${path} prints what the page shows`, async (t) => {
    if (typeof installer === 'string') throw new Error(installer);
    for (const { command, output, actual } of await runPage(page, installer)) {
      t.deepEqual(normalise(actual), normalise(output), `${command}; to write the page anew: npm run docs`);
    }
  });
}
