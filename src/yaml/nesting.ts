import { Lexer } from 'yaml';

/** Deeper than any patch; the reader of YAML calls itself once a level. */
const mostLevels = 100;
/** Brackets, dashes, names, spaces: 300,000 of them are read in a second. */
const mostParts = 300_000;

/** A fault of a text that must not be read as a whole. */
export interface Excess {
  /** Characters from the start of the text. */
  readonly offset: number;
  readonly text: string;
}

/** Where a YAML text is nested too deeply, or has too many parts; undefined for a text that can be read. */
export function findExcess(text: string): Excess | undefined {
  let offset = 0;
  let parts = 0;
  let flow = 0;
  let block = 0;
  let isLineStart = true;
  for (const part of new Lexer().lex(text)) {
    if (isMark(part)) continue;
    parts += 1;
    if (parts > mostParts) return { offset, text: `found more than ${mostParts} words and signs` };
    flow += countFlow(part);
    // Each level inside another one is a column further to the right, or has a dash of its own in the line.
    if (part.endsWith('\n')) block = 0;
    else if (part === '-' || part === '?' || part === ':') block += 1;
    else if (isLineStart && part.trim() === '') block += part.length;
    isLineStart = part.endsWith('\n');
    if (flow > mostLevels || block > 2 * mostLevels)
      return { offset, text: `found more than ${mostLevels} levels, one inside the other` };
    offset += part.length;
  }
  return undefined;
}

function countFlow(part: string): number {
  if (part === '[' || part === '{') return 1;
  return part === ']' || part === '}' ? -1 : 0;
}

/** The lexer's own marks are not in the text: of a document's start, an error, a scalar. */
function isMark(part: string): boolean {
  return part === '\u0002' || part === '\u0018' || part === '\u001f';
}
