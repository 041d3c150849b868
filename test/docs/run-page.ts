import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { TestInstaller } from '../fixtures/images/kernel.js';
import type { Command, Page } from './transcript.js';

export interface RanCommand extends Command {
  /** Lines. */
  readonly actual: readonly string[];
}

/**
 * Runs the commands of a page in their order, in a folder that has the files of the page and, as `initrd.gz` and `linux`,
 * the network installer of Debian 12. `moby-patch` is the compiled program.
 */
export async function runPage(page: Page, installer: TestInstaller): Promise<RanCommand[]> {
  const work = await mkdtemp(join(tmpdir(), 'moby-patch-docs-'));
  try {
    const folder = join(work, 'work');
    const programs = join(work, 'bin');
    for (const path of [folder, programs]) await mkdir(path);
    await symlink(resolve('dist/cli.js'), join(programs, 'moby-patch'));
    await cp(installer.initrd, join(folder, 'initrd.gz'));
    await cp(installer.kernel, join(folder, 'linux'));
    for (const { path, content } of page.files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    const environment = {
      ...process.env,
      PATH: `${programs}:${process.env.PATH}:/usr/sbin:/sbin`,
      MOBY_PATCH_CACHE: join(work, 'cache'),
      NO_COLOR: '1',
    };
    const ran: RanCommand[] = [];
    for (const command of page.transcripts.flatMap(({ commands }) => commands)) {
      ran.push({ ...command, actual: await runShell(command.command, folder, environment) });
    }
    return ran;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Stands in a page for the folder in which its commands ran. */
const shownFolder = '/home/me/images';

/** Both streams of a command in one, as a terminal shows them. */
async function runShell(command: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const child = spawn('sh', ['-c', `exec 2>&1; ${command}`], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) text += chunk;
  const all = text.replaceAll(cwd, shownFolder).split('\n');
  // A slow machine prints them.
  const lines = all.filter((line) => !/^ *\d+\.\d s {2}\w+ +still working/.test(line));
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
