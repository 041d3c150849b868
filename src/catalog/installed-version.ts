import { readRegular } from '../io/file/regular-file.js';
import { runProcess } from '../io/process/process.js';
import type { VersionSource } from './definition.js';

const commandTimeout = 30;
/** Bytes of a property list. */
const largestFile = 16 * 2 ** 20;

interface ReadVersionOptions {
  /** Makes a path of the definition absolute. */
  readonly place: (path: string) => string;
  readonly signal: AbortSignal;
}

/** One line; undefined when the file or the key does not exist, or the command failed. */
export async function readVersion(
  source: VersionSource,
  { place, signal }: ReadVersionOptions,
): Promise<string | undefined> {
  const cwd = place('.');
  if ('command' in source) return firstLine(await readOutput(source.command, { cwd, signal }));
  const path = place(source.file);
  const bytes = await readRegular(path, largestFile).catch(() => undefined);
  if (bytes === undefined || source.key === undefined) return firstLine(bytes?.toString('utf8'));
  const isBinary = bytes.toString('latin1', 0, 8) === 'bplist00';
  // Only macOS writes binary property lists, and it brings a program that reads them.
  const text = isBinary
    ? await readOutput(['plutil', '-convert', 'xml1', '-o', '-', path], { cwd, signal })
    : bytes.toString('utf8');
  return readPropertyList(text ?? '', source.key);
}

/** The string at a key of the outermost dictionary of an XML property list. */
function readPropertyList(text: string, key: string): string | undefined {
  let depth = 0;
  let isValue = false;
  const tokens = text
    .replace(/<!--.*?-->/gs, '')
    .matchAll(
      /<(\/?)(dict|array)\s*>|<(key|string)>([^<]*)<\/\3>|<\w+\s*\/>|<(integer|real|date|data)>[^<]*</g,
    );
  for (const [, closing, container, kind, value = ''] of tokens) {
    if (container !== undefined) depth += closing === '/' ? -1 : 1;
    if (isValue) return kind === 'string' ? decodeEntities(value) : undefined;
    isValue = depth === 1 && kind === 'key' && decodeEntities(value) === key;
  }
  return undefined;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name] ?? '');
}

async function readOutput(
  argv: readonly string[],
  { cwd, signal }: { readonly cwd: string; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const result = await runProcess(argv, { cwd, signal, timeout: commandTimeout }).catch((error) => {
    if (signal.aborted) throw error;
    return undefined;
  });
  return result?.exitCode === 0 ? result.output : undefined;
}

function firstLine(text: string | undefined): string | undefined {
  return text?.split('\n')[0]?.trim() || undefined;
}
