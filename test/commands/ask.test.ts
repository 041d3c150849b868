// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of patch files
import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { callMoby } from '../fixtures/command-context.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';
import { createProjectFolder } from './project.js';

const cli = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));
const missing = findMissingProgram('script');

/** Builds at a terminal; what is typed goes in when the question is there. */
async function buildAtTerminal(t: ExecutionContext, typed: string) {
  const folder = await createProjectFolder(t);
  await mkdir(join(folder, 'patches/p'), { recursive: true });
  await writeFile(
    join(folder, 'patches/p/patch.yaml'),
    'title: T\nparameters:\n  token: {description: of the API, secret: true}\nsteps:\n  - file: {path: etc/t, content: "${token}", stores-secret: true}\n',
  );
  const command = `${process.execPath} ${cli} build -i initrd.img -p p -o out.img --no-verify`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: folder,
    env: { ...process.env, HOME: folder, MOBY_PATCH_CACHE: 'none' },
  });
  let shown = '';
  child.stdout.on('data', (piece) => {
    const wasAsked = shown.includes('the secret token');
    shown += piece;
    if (!wasAsked && shown.includes('the secret token (of the API): ')) child.stdin.write(typed);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { folder, code, shown };
}

declareTest(missing, 'a terminal is asked for a secret, and shows nothing of it', async (t) => {
  const { folder, code, shown } = await buildAtTerminal(t, 'tell noX\x7fbody\r');
  t.is(code, 0, shown);
  t.notRegex(shown, /tell no/);
  t.regex(shown, /done in .*initrd.img -> out.img/);
  t.is((await callMoby(['cat', 'out.img', 'etc/t'], folder, {})).stdout, 'tell nobody');
});

declareTest(missing, 'Ctrl-C at the question ends the program', async (t) => {
  const { folder, code, shown } = await buildAtTerminal(t, 'half\x03');
  t.is(code, 130, shown);
  t.regex(shown, /interrupted; nothing was replaced/);
  await t.throwsAsync(readFile(join(folder, 'out.img')));
});
