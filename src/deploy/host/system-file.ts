/** Lines of ours in a file of the system's, between two marks, so that they can be found again and removed. */
export interface MarkedBlock {
  readonly name: string;
  readonly lines: readonly string[];
}

/** The text with the block in it, once; what was there under this name is replaced in its place. */
export function putBlock(text: string, { name, lines }: MarkedBlock): string {
  const block = [...createMarks(name).slice(0, 1), ...lines, ...createMarks(name).slice(1)].join('\n');
  const found = findBlock(text, name);
  if (found !== undefined) return `${text.slice(0, found.start)}${block}\n${text.slice(found.end)}`;
  // A last line without a line break would swallow the first mark.
  const rest = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return `${rest}${block}\n`;
}

/** The text as it was before `putBlock`. */
export function dropBlock(text: string, name: string): string {
  const found = findBlock(text, name);
  return found === undefined ? text : text.slice(0, found.start) + text.slice(found.end);
}

/** The text without the block, to see what else it says. */
function findBlock(text: string, name: string): { start: number; end: number } | undefined {
  const [begin = '', finish = ''] = createMarks(name);
  const start = `\n${text}`.indexOf(`\n${begin}\n`);
  if (start < 0) return undefined;
  const last = text.indexOf(`\n${finish}`, start);
  // Without its end a block is taken to be its first line: nobody else's lines are removed.
  if (last < 0) return { start, end: start + begin.length + 1 };
  const end = last + finish.length + 1;
  return { start, end: text[end] === '\n' ? end + 1 : end };
}

function createMarks(name: string): readonly [string, string] {
  return [`# BEGIN moby-patch ${name}`, `# END moby-patch ${name}`];
}
