import type { ErrorCode } from 'yaml';

interface SyntaxFault {
  readonly text: string;
  readonly hint?: string;
}

const quote = 'put the text into quotes: "..."';
const indentation =
  'give all keys of one map, and all dashes of one list, the same number of spaces before them';

const faults: Readonly<Record<ErrorCode, SyntaxFault>> = {
  ALIAS_PROPS: { text: 'found an anchor or a tag before an alias, wanted the value itself' },
  BAD_ALIAS: {
    text: 'found an alias (*name) or an anchor (&name) without a proper name, wanted a value',
    hint: quote,
  },
  BAD_COLLECTION_TYPE: { text: 'found a tag (!name) of another kind of value, wanted none' },
  BAD_DIRECTIVE: { text: 'found a line that begins with %, wanted a key', hint: 'remove the line' },
  BAD_DQ_ESCAPE: {
    text: 'found a backslash that means nothing in double quotes, wanted one of \\n \\t \\\\ \\" \\uXXXX',
    hint: "write \\\\ for a backslash, or use single quotes: '...'",
  },
  BAD_INDENT: { text: 'found a line that is indented otherwise than its neighbours', hint: indentation },
  BAD_PROP_ORDER: { text: 'found an anchor or a tag before the sign of a list or a map, wanted none' },
  BAD_SCALAR_START: {
    text: 'found a text that begins with a sign that YAML keeps for itself (@ or `), wanted quotes around it',
    hint: quote,
  },
  BLOCK_AS_IMPLICIT_KEY: {
    text: 'found a second ": " in one line, or a key below a value, wanted quotes around a text that has ": " in it',
    hint: `${quote}; or correct the indentation of this line and the next`,
  },
  BLOCK_IN_FLOW: {
    text: 'found lines with dashes or keys inside { } or [ ], wanted all of it in one notation',
  },
  DUPLICATE_KEY: { text: 'found a key a second time, wanted it once' },
  IMPOSSIBLE: { text: 'found a text that cannot be read at this place' },
  KEY_OVER_1024_CHARS: { text: 'found a key of more than 1024 characters, wanted a shorter one' },
  MISSING_CHAR: {
    text: 'found no ":", "-", comma, quote or closing bracket where one must be',
    hint: 'close the quotes and brackets, write KEY: VALUE with a space after the colon, and "- " before each entry of a list',
  },
  MULTILINE_IMPLICIT_KEY: {
    text: 'found a key that goes on in the next line, wanted it in one line',
    hint: indentation,
  },
  MULTIPLE_ANCHORS: { text: 'found two anchors (&name) before one value, wanted none' },
  MULTIPLE_DOCS: {
    text: 'found a second document (---), wanted one',
    hint: 'remove the line of --- and what follows',
  },
  MULTIPLE_TAGS: { text: 'found two tags (!name) before one value, wanted none' },
  NON_STRING_KEY: { text: 'found a key that is no text, wanted a name' },
  RESOURCE_EXHAUSTION: { text: 'found more levels than can be read, wanted fewer' },
  TAB_AS_INDENT: {
    text: 'found a tab before the first word of the line, wanted spaces',
    hint: 'replace tabs by spaces',
  },
  TAG_RESOLVE_FAILED: {
    text: 'found a tag (!name), which nothing here has a meaning for, wanted the value alone',
  },
  UNEXPECTED_TOKEN: {
    text: 'found something after the end of a value, or a list that begins beside its key',
    hint: `${quote}; begin a list on a line of its own`,
  },
};

const unclosed: SyntaxFault = {
  text: 'found the end of a line or of the file before the closing bracket, quote or comma',
  hint: 'close { with }, [ with ] and " with ", and write commas between the entries',
};

const longestLine = 40;

function withoutColon(line: string): SyntaxFault {
  const shown = line.length > longestLine ? `${line.slice(0, longestLine)}...` : line;
  return {
    text: `found ${JSON.stringify(shown)} without a ": ", wanted KEY: VALUE`,
    hint: 'write a colon and a space after the key; indent a value that goes on in the next line below its key',
  };
}

/** YAML takes the braces of a placeholder for a map where it stands inside { } or [ ]. */
function withoutQuotes(braces: string): SyntaxFault {
  return { text: `found $${braces} without quotes inside { } or [ ], wanted "$${braces}"`, hint: quote };
}

/** A fault of the syntax in words of our own; `rest`: the text from its place on. */
export function explainSyntax(code: ErrorCode, rest: string): SyntaxFault {
  const isEnd = /^\s*$/.test(rest);
  const [line = ''] = rest.split('\n', 1);
  if (code === 'MULTILINE_IMPLICIT_KEY' && !/:(?:\s|$)/.test(line)) return withoutColon(line.trim());
  const [, placeholder] = /^(\{[A-Za-z_][\w-]*\})/.exec(rest) ?? [];
  if (code === 'UNEXPECTED_TOKEN' && placeholder !== undefined) return withoutQuotes(placeholder);
  return isEnd && (code === 'BAD_INDENT' || code === 'MISSING_CHAR') ? unclosed : faults[code];
}
