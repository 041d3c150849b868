import { trimSlashes } from './resolve.js';

type Part =
  /** One character, or one of a set. */
  | { readonly kind: 'one'; readonly fits: (character: string) => boolean }
  /** Any number of characters of one component. */
  | { readonly kind: 'some' }
  /** Any number of characters. */
  | { readonly kind: 'any' }
  /** Any number of whole components. */
  | { readonly kind: 'folders' };

/**
 * Whether a path matches a pattern: `*` and `?` match inside a component, `**` matches any number of components,
 * `[...]` is a set. A leading slash or `./` is ignored; a pattern that matches a directory matches everything below it.
 */
export function createGlob(pattern: string): (path: string) => boolean {
  const parts = parseGlob(trimSlashes(pattern.replace(/^(?:\.\/+)+/, '')));
  return parts.length === 0 ? () => true : createMatcher(parts);
}

function parseGlob(pattern: string): Part[] {
  return [...pattern.matchAll(/\*\*\/|\*\*|\*|\?|\[!?[^\]/]+\]|./gsu)].map(([written]) => parsePart(written));
}

function parsePart(written: string): Part {
  if (written === '**/') return { kind: 'folders' };
  if (written === '**') return { kind: 'any' };
  if (written === '*') return { kind: 'some' };
  if (written === '?') return { kind: 'one', fits: (character) => character !== '/' };
  if (written.length <= 2) return { kind: 'one', fits: (character) => character === written };
  return { kind: 'one', fits: parseSet(written.slice(1, -1)) };
}

/** `a-z_`, `!a-z` or `^a-z`. As in a shell, a range that runs backwards has nothing in it. */
function parseSet(written: string): (character: string) => boolean {
  const isNegated = /^[!^]./u.test(written);
  const ranges = [...written.slice(isNegated ? 1 : 0).matchAll(/(.)-(.)|./gsu)].map(
    ([one, from = one, to = from]) => [codeOf(from), codeOf(to)] as const,
  );
  return (character) =>
    character !== '/' &&
    isNegated !== ranges.some(([from, to]) => from <= codeOf(character) && codeOf(character) <= to);
}

const codeOf = (character: string): number => character.codePointAt(0) ?? 0;

/** The parts that may come next, as indexes; `-1 - index` inside a component of `folders`. */
interface State {
  readonly places: ReadonlySet<number>;
  readonly next: Map<string, State>;
}

/** Steps that are kept. */
const mostKept = 50_000;

/**
 * Goes through a path once, whatever the pattern: a regular expression would try each way to share a path among many
 * stars. What a state and a character lead to is worked out once for all paths.
 */
function createMatcher(parts: readonly Part[]): (path: string) => boolean {
  let states = new Map<string, State>();
  let kept = 0;
  const start = new Set<number>();
  enter(start, 0, parts);

  function find(places: ReadonlySet<number>): State {
    const key = [...places].sort().join();
    const state = states.get(key) ?? { places, next: new Map() };
    states.set(key, state);
    return state;
  }

  function advance({ places, next }: State, character: string): State {
    const known = next.get(character);
    if (known !== undefined) return known;
    kept += 1;
    if (kept > mostKept) [states, kept] = [new Map(), 0];
    const reached = new Set<number>();
    for (const place of places) step(reached, place, { parts, character });
    const state = find(reached);
    next.set(character, state);
    return state;
  }

  return (path) => {
    let state = find(start);
    for (const character of path) {
      // A directory that matches as a whole.
      if (character === '/' && state.places.has(parts.length)) return true;
      state = advance(state, character);
      if (state.places.size === 0) return false;
    }
    return state.places.has(parts.length);
  };
}

/** Adds a part that may come next, and those behind it that may come instead. */
function enter(places: Set<number>, index: number, parts: readonly Part[]): void {
  for (let at = index; !places.has(at); at += 1) {
    places.add(at);
    const kind = parts[at]?.kind;
    if (kind === undefined || kind === 'one') return;
  }
}

interface Step {
  readonly parts: readonly Part[];
  readonly character: string;
}

function step(reached: Set<number>, place: number, { parts, character }: Step): void {
  if (place < 0) {
    if (character === '/') enter(reached, -1 - place, parts);
    else reached.add(place);
    return;
  }
  const part = parts[place];
  if (part?.kind === 'one' && part.fits(character)) enter(reached, place + 1, parts);
  if (part?.kind === 'any' || (part?.kind === 'some' && character !== '/')) enter(reached, place, parts);
  if (part?.kind === 'folders' && character !== '/') reached.add(-1 - place);
}
