interface LazyMap<Key, Value> {
  get(key: Key): Value | undefined;
  has(key: Key): boolean;
  keys(): Iterable<Key>;
  values(): Iterable<Value>;
  entries(): Iterable<[Key, Value]>;
  count(): number;
}

/** A map whose values are made when they are asked for. */
export function createLazyMap<Key, Value>(source: LazyMap<Key, Value>): ReadonlyMap<Key, Value> {
  function* keys(): Generator<Key, undefined, unknown> {
    yield* source.keys();
    return undefined;
  }
  function* values(): Generator<Value, undefined, unknown> {
    yield* source.values();
    return undefined;
  }
  function* entries(): Generator<[Key, Value], undefined, unknown> {
    yield* source.entries();
    return undefined;
  }
  const map: ReadonlyMap<Key, Value> = {
    get: source.get,
    has: source.has,
    get size() {
      return source.count();
    },
    keys,
    values,
    entries,
    forEach(call) {
      for (const [key, value] of source.entries()) call(value, key, map);
    },
    [Symbol.iterator]: entries,
  };
  return map;
}
