/** Few enough to be looked through; an image may have a million segments, or records that a kernel drops. */
const first = 40;
const last = 5;

/** The first and the last of many, with `stand` for those between. */
export function shorten<Item>(
  items: readonly Item[],
  stand: (left: readonly Item[]) => Item,
): readonly Item[] {
  if (items.length <= first + last + 1) return items;
  return [...items.slice(0, first), stand(items.slice(first, -last)), ...items.slice(-last)];
}
