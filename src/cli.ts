#!/usr/bin/env node
import './io/require-node.js';
import { statSync } from 'node:fs';

// Loaded here, so that a module that Node cannot open ends as every other fault of the machine does.
try {
  await import(choosePath());
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error;
  const text = 'this process has too many open files (EMFILE at open) to load the program [machine-fault]';
  process.stderr.write(`moby-patch: ${text}\n  try: raise the limit of open files: ulimit -n 1024\n`);
  process.exitCode = 5;
}

/**
 * The modules joined to few files (`scripts/bundle.mjs`), which Node loads sooner. A checkout that was compiled after they
 * were joined runs the modules themselves.
 */
function choosePath(): string {
  const joined = './program/main.js';
  return readTime(joined) > readTime('../build/src.tsbuildinfo') ? joined : './main.js';
}

/** -1: no such file. Some systems give every file the time 0. */
function readTime(path: string): number {
  return statSync(new URL(path, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? -1;
}
