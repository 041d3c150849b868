import { readFile } from 'node:fs/promises';

export interface RuntimeLog {
  /** A runtime creates its log first. */
  readonly started: boolean;
  /** What kept it from running the command, in one line. */
  readonly complaint: string | undefined;
}

/** Reads the log of a runtime: one JSON object a line. */
export async function readRuntimeLog(file: string): Promise<RuntimeLog> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const complaint = text
    ?.split('\n')
    .map(parseComplaint)
    .filter((line) => line !== undefined)
    .at(-1);
  return { started: text !== undefined, complaint };
}

function parseComplaint(line: string): string | undefined {
  try {
    const { level, msg } = JSON.parse(line) as Record<string, unknown>;
    return level === 'error' || level === 'fatal' ? shorten(`${msg}`) : undefined;
  } catch {
    return undefined;
  }
}

function shorten(message: string): string {
  return message
    .replaceAll('\n', ' ')
    .replace(/^runc run failed: /, '')
    .replace(/^unable to start container process: /, '');
}
