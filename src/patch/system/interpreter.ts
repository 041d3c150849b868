import type { At } from './init/init-system.js';
import { createStepError } from './step-context.js';
import { isAnyFile } from './workspace-files.js';

interface Script {
  readonly text: string;
  /** The step, for messages. */
  readonly what: string;
}

/** The kernel reads no more of the first line (BINPRM_BUF_SIZE of 5.1 and later). */
const longestLine = 255;
const places = ['usr/local/sbin', 'usr/local/bin', 'usr/sbin', 'usr/bin', 'sbin', 'bin'];

/**
 * The program of a script's first line, which must be in the image; that of `env` is looked for in the usual folders. Errors
 * (`failed`): `script-invalid`, `interpreter-missing`.
 */
export async function requireInterpreter(
  { text, what }: Script,
  { workspace, context }: At,
): Promise<string> {
  const [line = ''] = text.split('\n', 1);
  const words = /^#![ \t]*(\S+)[ \t]*(.*)$/.exec(line.replace(/\r$/, ''));
  const fault = explainLine(line, words !== null);
  if (fault !== undefined) throw createStepError(context, 'script-invalid', `${what}: found ${fault}`);
  const [program = '', rest = ''] = words?.slice(1) ?? [];
  const path = program.replace(/^\/+/, '');
  const isThere = await isAnyFile(workspace, [path]);
  const [named = ''] = rest.replace(/^-S[ \t]*/, '').split(/[ \t]+/);
  const isEnv = /\/env$/.test(program) && named !== '';
  if (isThere && !isEnv) return path;
  const candidates = places.map((folder) => `${folder}/${named}`);
  if (isThere && (await isAnyFile(workspace, candidates))) return named;
  throw createStepError(
    context,
    'interpreter-missing',
    `${what}: found no ${isThere ? named : path} in the image, wanted the program of its first line ${JSON.stringify(line)}`,
    {
      hint: 'a "package" step before this one has to add it, or the script names a shell that the image has',
    },
  );
}

function explainLine(line: string, isScript: boolean): string | undefined {
  if (!isScript)
    return `${JSON.stringify(line.slice(0, 40))} as its first line, wanted one such as #!/bin/sh`;
  if (line.endsWith('\r'))
    return 'a carriage return at the end of its first line, which the kernel takes for a part of the name';
  if (!/^#![ \t]*\//.test(line))
    return `${JSON.stringify(line)} as its first line, wanted a path from the root`;
  return Buffer.byteLength(line) > longestLine ? `a first line of more than ${longestLine} bytes` : undefined;
}
