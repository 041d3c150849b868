import { Readable } from 'node:stream';
import type { InputFile } from '../../io/file/input-file.js';
import type { Wrapper } from '../../model/image/wrapper.js';
import { digestSums, findSums, isTorn, type NewSum } from './replace-in-place.js';

const mostRounds = 8;

/** Adds the lines of lists that have sums of lists: those change with them. A list that has its own sum is left as it is. */
export async function followLists(
  file: InputFile,
  wrapper: Pick<Wrapper, 'parts'>,
  sums: readonly NewSum[],
): Promise<NewSum[]> {
  const all = new Map(sums.map((sum) => [sum.offset, sum]));
  let isStable = false;
  for (let round = 0; round < mostRounds && !isStable; round += 1) {
    isStable = true;
    for (const list of new Set([...all.values()].map((sum) => sum.list))) {
      const places = await findSums(file, wrapper, list);
      const own = places.filter((place) => place.list.offset !== list.offset && !isTorn(wrapper, place));
      const text = Buffer.from(await file.read(list.offset, list.offset + list.size));
      for (const sum of all.values())
        if (sum.list.offset === list.offset) text.write(sum.digits, sum.offset - list.offset, 'latin1');
      for (const sum of await digestSums(own, () => Readable.from([text]))) {
        isStable &&= all.get(sum.offset)?.digits === sum.digits;
        all.set(sum.offset, sum);
      }
    }
  }
  return [...all.values()];
}
