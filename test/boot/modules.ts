import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '#src/io/process/process.js';
import type { TestKernel } from '../fixtures/images/kernel.js';
import { findMissingProgram } from '../fixtures/needs.js';
import type { TinyEntry } from './tiny-image.js';

export interface TestModules {
  readonly entries: readonly TinyEntry[];
  /** Lines of a shell script that load them, each after what it needs. */
  readonly load: string;
}

/** Kernel modules with all they need; one that the kernel has built in is left out. */
export async function findModules(
  kernel: TestKernel,
  names: readonly string[],
): Promise<TestModules | string> {
  const missing = findMissingProgram('depmod');
  if (missing !== undefined) return missing;
  const { folder, paths } = await listModules(kernel, names);
  const bodies = await Promise.all(paths.map((path) => readFile(join(folder, path))));
  return {
    entries: paths.map((path, index) => ({ path: `etc/${nameOf(path)}.ko`, body: bodies[index] ?? '' })),
    load: paths.map((path) => `insmod /etc/${nameOf(path)}.ko`).join('\n'),
  };
}

/** The files of modules and of all they need, each after what it needs, below a folder. */
export async function listModules(
  { root, release }: TestKernel,
  names: readonly string[],
): Promise<{ readonly folder: string; readonly paths: readonly string[] }> {
  const signal = new AbortController().signal;
  const { exitCode, output } = await runProcess(['depmod', '-b', root, release], { signal, timeout: 60 });
  if (exitCode !== 0) throw new Error(output);
  const folder = join(root, 'lib/modules', release);
  const needs = new Map<string, string[]>();
  for (const line of (await readFile(join(folder, 'modules.dep'), 'utf8')).split('\n')) {
    const [path = '', rest = ''] = line.split(':');
    needs.set(path, rest.split(' ').filter(Boolean));
  }
  const wanted = new Set<string>();
  const add = (path: string): void => {
    for (const need of needs.get(path) ?? []) add(need);
    wanted.add(path);
  };
  for (const path of needs.keys()) if (names.includes(nameOf(path))) add(path);
  return { folder, paths: [...wanted] };
}

function nameOf(path: string): string {
  return path.replace(/.*\/|\.ko.*$/g, '').replaceAll('-', '_');
}
