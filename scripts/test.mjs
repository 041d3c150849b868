// node scripts/test.mjs [--lane unit|soak] [FILE...]: compiles, and runs a lane of tests or the named files; the last
// line is the count. Without a lane this is `npm test`: it installs what is missing and checks lint, types and exports too.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { groupFiles } from './groups.mjs';
import { compile, installPackages, installPrograms, root } from './install.mjs';
import { listTests } from './lanes.mjs';

const { values, positionals } = parseArgs({
  options: { lane: { type: 'string', default: 'all' } },
  allowPositionals: true,
});
const { lane } = values;
const whole = lane === 'all' && positionals.length === 0;

installPackages();
if (lane !== 'unit') installPrograms();
compile();
const checks = whole ? runChecks() : 0;
const { code, summary, ticks } = await runTests(
  positionals.length > 0 ? positionals : groupFiles(listTests(lane)),
);

const count = (pattern) =>
  [...summary.matchAll(pattern)].reduce((sum, [, number]) => sum + Number(number), 0);
// The runner counts what passed only when nothing failed.
const passed = count(/^\s*(\d+) tests? passed/gm) || ticks.length;
const broken = count(
  /^\s*(\d+) (?:tests? failed|hooks? failed|uncaught exceptions?|unhandled rejections?|tests? remained? pending|test files? (?:failed|exited|timed out))/gm,
);
const skipped = count(/^\s*(\d+) tests? skipped/gm);
const failed = Math.max(broken, code === 0 ? 0 : 1) + checks;
if (whole) printSlowest(ticks);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

/** Lint and unused exports; the number of those that failed. */
function runChecks() {
  const commands = [
    ['@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'],
    ['knip/bin/knip.js'],
    ['knip/bin/knip.js', '--production'],
  ];
  return commands.filter(([program, ...args]) => {
    const { status } = spawnSync('node', [join('node_modules', program), ...args], {
      cwd: root,
      stdio: 'inherit',
    });
    if (status !== 0) console.log(`failed: ${program}`);
    return status !== 0;
  }).length;
}

/** Where the time of a run went, for the machine on which it was too long. */
function printSlowest(ticks) {
  // Those of a group run at once, so that each has the time of all.
  const alone = ticks.filter(({ title }) => !title.startsWith('groups '));
  const slowest = alone.sort((a, b) => b.seconds - a.seconds).slice(0, 20);
  for (const { title, seconds } of slowest) console.log(`${seconds.toFixed(0).padStart(5)} s  ${title}`);
}

/** The runner's exit code, the counts behind its last line, and the tests that passed. */
async function runTests(files) {
  const path = lane === 'unit' ? createBarePath() : `${process.env.PATH}:/usr/sbin:/sbin`;
  const ava = spawn(process.execPath, ['node_modules/ava/entrypoints/cli.mjs', ...files], {
    cwd: root,
    stdio: ['inherit', 'pipe', 'inherit'],
    env: { ...process.env, PATH: path },
  });
  let text = '';
  let line = '';
  const ticks = [];
  for await (const chunk of ava.stdout.setEncoding('utf8')) {
    process.stdout.write(chunk);
    const lines = (line + chunk).split('\n');
    line = lines.pop();
    ticks.push(...lines.map(readTick).filter((tick) => tick !== undefined));
    text = (text + chunk).slice(-20_000);
  }
  const code = await new Promise((resolve) =>
    ava.exitCode === null ? ava.once('exit', resolve) : resolve(ava.exitCode),
  );
  if (lane === 'unit') rmSync(path, { recursive: true });
  // In front of that line there may be counts of a runner that a test started.
  return { code, summary: text.slice(text.lastIndexOf('  ─\n') + 1), ticks };
}

/** Of a line on a test that passed: `  ✔ TITLE (1m 2.3s)`, with a time only where it was long. */
function readTick(line) {
  const [, title, minutes = 0, seconds = 0] =
    /^ {2}✔ (.*?)(?: \((?:(\d+)m ?)?(?:([\d.]+)s)?\)| \(\d+ms\))?$/.exec(line) ?? [];
  return title === undefined ? undefined : { title, seconds: Number(minutes) * 60 + Number(seconds) };
}

/** A folder with nothing but a shell: a unit test that starts another program fails or says that it is skipped. */
function createBarePath() {
  const folder = mkdtempSync(join(tmpdir(), 'moby-patch-unit-'));
  symlinkSync('/bin/sh', join(folder, 'sh'));
  return folder;
}
