import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const canary = 'nobody writes here';

/** Runs something in a folder of its own that has the file `old`, and looks for what it wrote elsewhere. */
export async function inFolder(
  folder: string,
  bytes: Buffer,
  run: (work: string) => Promise<void>,
): Promise<void> {
  const outer = await mkdtemp(join(folder, 'wrapper-'));
  const work = join(outer, 'work');
  try {
    await writeFile(join(outer, 'canary'), canary);
    await mkdir(work);
    await writeFile(join(work, 'old'), bytes);
    try {
      await run(work);
    } finally {
      await checkOutside(outer, bytes);
    }
  } finally {
    await rm(outer, { recursive: true, force: true });
  }
}

async function checkOutside(outer: string, bytes: Buffer): Promise<void> {
  const names = (await readdir(outer)).sort().join();
  const text = await readFile(join(outer, 'canary'), 'utf8');
  if (names !== 'canary,work' || text !== canary)
    throw new Error(`oracle: written outside of the folder: ${names}`);
  if (!(await readFile(join(outer, 'work/old'))).equals(bytes))
    throw new Error('oracle: the old file was written to');
}
