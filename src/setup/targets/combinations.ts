import type { AxisValue, TargetEntry } from './target-schema.js';

/** One value of every axis, in the order of the axes. */
export type Combination = ReadonlyMap<string, AxisValue>;

/** What `${AXIS}` stands for. */
export function nameOfValue(value: AxisValue): string {
  return typeof value === 'string' ? value : value.name;
}

/** How many there are before any is left out. */
export function countCombinations({ matrix = {} }: TargetEntry): number {
  return Object.values(matrix).reduce((product, values) => product * values.length, 1);
}

/** Every combination that no entry of `exclude` names; the last axis changes fastest. */
export function listCombinations({ matrix = {}, exclude = [] }: TargetEntry): Combination[] {
  let all: Combination[] = [new Map()];
  for (const [axis, values] of Object.entries(matrix))
    all = all.flatMap((known) => values.map((value) => new Map([...known, [axis, value]])));
  return all.filter((each) => !exclude.some((entry) => matches(each, entry)));
}

/** Whether it has all values of an entry of `exclude`. */
export function matches(combination: Combination, entry: Readonly<Record<string, string>>): boolean {
  return Object.entries(entry).every(([axis, wanted]) => {
    const value = combination.get(axis);
    return value !== undefined && nameOfValue(value) === wanted;
  });
}
