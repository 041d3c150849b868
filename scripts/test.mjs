// `npm test`: installs what is missing, then lint, types and every test; the last line is the count.
import { spawn, spawnSync } from 'node:child_process';
import { compile, installCompiler, installPackages, installPrograms, root } from './install.mjs';

installPackages();
installPrograms();
installCompiler();
compile();
const lint = spawnSync(
  'node',
  ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'],
  { cwd: root, stdio: 'inherit' },
);

const path = `${process.env.PATH}:/usr/sbin:/sbin`;
const ava = spawn('node', ['node_modules/ava/entrypoints/cli.mjs', ...process.argv.slice(2)], {
  cwd: root,
  stdio: ['inherit', 'pipe', 'inherit'],
  env: { ...process.env, PATH: path },
});
let text = '';
let ticked = 0;
ava.stdout.on('data', (chunk) => {
  process.stdout.write(chunk);
  ticked += String(chunk).match(/^ {2}✔ /gm)?.length ?? 0;
  text = (text + chunk).slice(-20_000);
});
ava.on('close', (code) => {
  // Behind the last line; what is in front of it may have a runner's counts too, of one that a test started.
  const summary = text.slice(text.lastIndexOf('  ─\n') + 1);
  const count = (pattern) =>
    [...summary.matchAll(pattern)].reduce((sum, [, number]) => sum + Number(number), 0);
  // The runner counts what passed only when nothing failed.
  const passed = count(/^\s*(\d+) tests? passed/gm) || ticked;
  const broken = count(
    /^\s*(\d+) (?:tests? failed|hooks? failed|uncaught exceptions?|unhandled rejections?|tests? remained? pending|test files? (?:failed|exited|timed out))/gm,
  );
  const skipped = count(/^\s*(\d+) tests? skipped/gm);
  const failed = Math.max(broken, code === 0 ? 0 : 1) + (lint.status === 0 ? 0 : 1);
  if (lint.status !== 0) console.log('the lint failed');
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
});
