#!/usr/bin/env node
import './io/require-node.js';

// Loaded here, so that a module that Node cannot open ends as every other fault of the machine does.
try {
  await import('./main.js');
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error;
  const text = 'this process has too many open files (EMFILE at open) to load the program [machine-fault]';
  process.stderr.write(`moby-patch: ${text}\n  try: raise the limit of open files: ulimit -n 1024\n`);
  process.exitCode = 5;
}
