const context = 3;
/** Lines that may differ; texts with more are not versions of one another. */
const mostEdits = 500;
const mostLines = 20_000;

interface Edit {
  readonly sign: ' ' | '-' | '+';
  readonly line: string;
}

/**
 * The lines of a unified diff, without file names; undefined for texts that are too long or too different. A last
 * line without a line break is followed by `\ No newline at end of file`, as diff(1) writes it.
 */
export function diffTexts(before: string, after: string): string[] | undefined {
  const [left, right] = [splitLines(before), splitLines(after)];
  if (left.length + right.length > mostLines) return undefined;
  const edits = findEdits(left, right);
  return edits === undefined ? undefined : renderHunks(edits);
}

/** Lines with their line breaks, so that a missing last break is a difference. */
function splitLines(text: string): string[] {
  return text === '' ? [] : (text.match(/[^\n]*\n|[^\n]+$/g) ?? []);
}

/** Diagonal -> lines of the left text up to it. */
type Reach = ReadonlyMap<number, number>;

/** Myers, "An O(ND) Difference Algorithm": for each number of edits, how far each diagonal reaches. */
function findEdits(left: readonly string[], right: readonly string[]): Edit[] | undefined {
  const furthest = new Map<number, number>([[1, 0]]);
  const history: Reach[] = [];
  for (let edits = 0; edits <= mostEdits; edits += 1) {
    history.push(new Map(furthest));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = step(furthest, diagonal, edits);
      while (x < left.length && x - diagonal < right.length && left[x] === right[x - diagonal]) x += 1;
      furthest.set(diagonal, x);
      if (x >= left.length && x - diagonal >= right.length) return walkBack(left, right, history);
    }
  }
  return undefined;
}

/** Whether the furthest path to a diagonal ends with a line of `right` (down) or with one of `left`. */
function isDown(furthest: Reach, diagonal: number, edits: number): boolean {
  if (diagonal === -edits) return true;
  return diagonal !== edits && (furthest.get(diagonal - 1) ?? -1) < (furthest.get(diagonal + 1) ?? -1);
}

function step(furthest: Reach, diagonal: number, edits: number): number {
  return isDown(furthest, diagonal, edits)
    ? (furthest.get(diagonal + 1) ?? 0)
    : (furthest.get(diagonal - 1) ?? 0) + 1;
}

function walkBack(left: readonly string[], right: readonly string[], history: readonly Reach[]): Edit[] {
  const edits: Edit[] = [];
  let [x, y] = [left.length, right.length];
  for (const [count, furthest] of [...history.entries()].reverse()) {
    const diagonal = x - y;
    for (const start = step(furthest, diagonal, count); x > start; y -= 1) {
      x -= 1;
      edits.push({ sign: ' ', line: left[x] ?? '' });
    }
    if (count > 0 && isDown(furthest, diagonal, count)) {
      y -= 1;
      edits.push({ sign: '+', line: right[y] ?? '' });
    } else if (count > 0) {
      x -= 1;
      edits.push({ sign: '-', line: left[x] ?? '' });
    }
  }
  return edits.reverse();
}

function renderHunks(edits: readonly Edit[]): string[] {
  const lines: string[] = [];
  let [oldLine, newLine] = [1, 1];
  let at = 0;
  while (at < edits.length) {
    const end = findHunkEnd(edits, at);
    const first = edits.findIndex(({ sign }, index) => index >= at && sign !== ' ');
    if (first < 0) break;
    const start = Math.max(at, first - context);
    // All lines before the hunk are in both texts.
    oldLine += start - at;
    newLine += start - at;
    const hunk = edits.slice(start, end);
    const oldCount = hunk.filter(({ sign }) => sign !== '+').length;
    const newCount = hunk.filter(({ sign }) => sign !== '-').length;
    lines.push(`@@ -${showRange(oldLine, oldCount)} +${showRange(newLine, newCount)} @@`);
    lines.push(...hunk.flatMap(renderEdit));
    oldLine += oldCount;
    newLine += newCount;
    at = end;
  }
  return lines;
}

function renderEdit({ sign, line }: Edit): string[] {
  const text = sign + line.replace(/\n$/, '');
  return line.endsWith('\n') ? [text] : [text, '\\ No newline at end of file'];
}

/** The end of the hunk: behind the last change whose context meets that of the one before it. */
function findHunkEnd(edits: readonly Edit[], from: number): number {
  let last = -1;
  for (let at = from; at < edits.length; at += 1) {
    if (edits[at]?.sign !== ' ') last = at;
    else if (last >= 0 && at - last > 2 * context) break;
  }
  return last < 0 ? edits.length : Math.min(edits.length, last + 1 + context);
}

function showRange(line: number, count: number): string {
  return count === 1 ? String(line) : `${count === 0 ? line - 1 : line},${count}`;
}
