interface LazyMap<Key, Value> {
  get(key: Key): Value | undefined;
  has(key: Key): boolean;
  keys(): MapIterator<Key>;
  entries(): MapIterator<[Key, Value]>;
  count(): number;
}

/** A map whose values are made when they are asked for. */
export function createLazyMap<Key, Value>(source: LazyMap<Key, Value>): ReadonlyMap<Key, Value> {
  function* values(): MapIterator<Value> {
    for (const [, value] of source.entries()) yield value;
    return undefined;
  }
  const map: ReadonlyMap<Key, Value> = {
    get: source.get,
    has: source.has,
    get size() {
      return source.count();
    },
    keys: source.keys,
    values,
    entries: source.entries,
    forEach(call) {
      for (const [key, value] of source.entries()) call(value, key, map);
    },
    [Symbol.iterator]: source.entries,
  };
  return map;
}
