import type { Entry } from '#src/model/image/entry.js';
import type { Workspace } from '#src/model/patch/workspace.js';
import type { Tree } from '../../fixtures/memory-workspace.js';

// A tree as a text, an entry a line: `file PATH MODE OWNER` with the lines of its content behind it, each after "| "
// (`~ ` for a last line without a line break), `directory PATH MODE OWNER`, `symlink PATH -> TARGET`.

/** `use` gets the text of another tree, for the line `use NAME`. */
export function parseTree(text: string, use: (name: string) => string = () => ''): Tree {
  const blocks = text.split(/\n(?![|~])/).filter((block) => block !== '');
  return Object.assign({}, ...blocks.map((block) => parseBlock(block, use)));
}

function parseBlock(block: string, use: (name: string) => string): Tree {
  const [head = '', ...body] = block.split('\n');
  const [type, path = '', mode = '', owner = '', more] = head.split(' ');
  if (type === 'use') return parseTree(use(path), use);
  if (type === 'symlink') return { [path]: `-> ${owner}` };
  const [uid, gid] = owner.split(':').map(Number);
  const put = { mode: Number.parseInt(mode, 8), uid, gid };
  if (more !== undefined || (type !== 'file' && type !== 'directory')) throw new Error(head);
  return { [path]: { type, ...put, ...(type === 'file' && { content: parseContent(body) }) } };
}

function parseContent(body: readonly string[]): Uint8Array {
  const lines = body.filter((line) => line !== '');
  const texts = lines.map((line) => line.slice(2) + (line.startsWith('~') ? '' : '\n'));
  const letters: Readonly<Record<string, string>> = { r: '\r', t: '\t', '0': '\0' };
  return Buffer.from(texts.join('').replace(/\\([rt0])/g, (_, letter: string) => letters[letter] ?? ''));
}

async function formatEntry(entry: Entry): Promise<string> {
  const { type, path, mode, uid, gid, target } = entry;
  if (type === 'symlink') return `symlink ${path} -> ${target}\n`;
  const head = `${type} ${path} 0${mode.toString(8)} ${uid}:${gid}\n`;
  if (type === 'directory') return head;
  const chunks: Uint8Array[] = [];
  for await (const chunk of entry.body()) chunks.push(chunk);
  return head + formatContent(Buffer.concat(chunks).toString());
}

function formatContent(text: string): string {
  const shown = text.replace(/[\r\t\0]/g, (c) => ({ '\r': '\\r', '\t': '\\t' })[c] ?? '\\0');
  const lines = shown.split('\n');
  const last = lines.pop() ?? '';
  return [...lines.map((line) => `| ${line}\n`), ...(last === '' ? [] : [`~ ${last}\n`])].join('');
}

/** What differs from the image: whole entries, the paths of those that are gone, and the boot configuration. */
export async function formatChanges(workspace: Workspace): Promise<string> {
  const changes = await workspace.changes();
  const texts = await Promise.all(
    changes.map(async (change) => {
      if (change.op === 'remove') return [change.path, `removed ${change.path}\n`] as const;
      return [change.entry.path, await formatEntry(change.entry)] as const;
    }),
  );
  const bootconfig = workspace.bootconfig();
  return [
    ...texts.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text),
    ...(bootconfig === undefined ? [] : [`bootconfig\n${formatContent(bootconfig)}`]),
  ].join('');
}
