// `npm run docs`: runs the commands of every page and writes what they print into it.
import { readFileSync, writeFileSync } from 'node:fs';
import { findInstaller } from '../fixtures/images/kernel.js';
import { listPages } from './pages.js';
import { runPage } from './run-page.js';
import { parsePage } from './transcript.js';

const installer = await findInstaller();
if (typeof installer === 'string') throw new Error(installer);
const wanted = process.argv.slice(2);
for (const path of listPages().filter((each) => wanted.length === 0 || wanted.includes(each))) {
  const text = readFileSync(path, 'utf8');
  const page = parsePage(text);
  if (page.transcripts.length === 0) continue;
  const ran = await runPage(page, installer);
  const lines = text.split('\n');
  // From the end, so that the places of blocks before stay.
  for (const { line, commands } of [...page.transcripts].reverse()) {
    const results = ran.splice(-commands.length);
    const old = commands.flatMap(({ command, output }) => [`$ ${command}`, ...output].join('\n').split('\n'));
    const now = results.flatMap(({ command, actual }) => [`$ ${command}`, ...actual].join('\n').split('\n'));
    lines.splice(line, old.length, ...now);
  }
  writeFileSync(path, lines.join('\n'));
  console.log(path);
}
