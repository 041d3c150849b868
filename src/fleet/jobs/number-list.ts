/** Numbers in one list: no plan has more jobs. */
const mostNumbers = 100_000;

/** Rising numbers as an option takes them: `3,7-12`. */
export function formatNumbers(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] + 1 === number) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges
    .map(([first, last]) =>
      first === last ? `${first}` : `${first}${last - first === 1 ? ',' : '-'}${last}`,
    )
    .join(',');
}

/** Undefined: it is no list of numbers. */
export function parseNumberList(text: string): readonly number[] | undefined {
  const numbers: number[] = [];
  for (const part of text.split(',')) {
    const [, from, to = from] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part) ?? [];
    const first = Number(from);
    const count = Number(to) - first + 1;
    if (from === undefined || count < 1 || numbers.length + count > mostNumbers) return undefined;
    for (let index = 0; index < count; index += 1) numbers.push(first + index);
  }
  return numbers;
}
