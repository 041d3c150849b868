/** Reads under way beside the awaited one: a disk and a hash keep two cores busy. */
const depth = 4;

/** Each item with what was read for it, in order; the reads of the next items are under way. */
export async function* readAhead<Item, Read>(
  items: Iterable<Item>,
  read: (item: Item) => Promise<Read>,
): AsyncGenerator<readonly [Item, Read], void, void> {
  const queue: (readonly [Item, Promise<Read>])[] = [];
  for (const item of items) {
    const reading = read(item);
    // The error surfaces when the read is awaited; an unawaited one must not raise an unhandled rejection.
    reading.catch(() => {});
    queue.push([item, reading]);
    const [first] = queue;
    if (queue.length <= depth || first === undefined) continue;
    queue.shift();
    yield [first[0], await first[1]];
  }
  for (const [item, reading] of queue) yield [item, await reading];
}
