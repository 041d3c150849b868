import type { Token } from '../model/image/archive.js';
import type { Bytes } from '../model/image/entry.js';

/** Walks the tokens of an archive entry by entry, and reads only the bodies that are wanted. */
export interface TokenCursor<Any extends { readonly kind: string } = Token> extends AsyncDisposable {
  /** The next entry, after what is left of the present one is skipped; undefined at the end. */
  nextEntry(): Promise<Any | undefined>;
  /** The next token of any kind; undefined at the end. */
  next(): Promise<Any | undefined>;
  /** The body of the present entry; valid until the next `nextEntry`. */
  body(): Bytes;
}

export function createTokenCursor<Any extends { readonly kind: string } = Token>(
  batches: AsyncGenerator<Iterable<Any>, unknown, void>,
): TokenCursor<Any> {
  let batch: Iterator<Any> | undefined;

  async function next(): Promise<Any | undefined> {
    for (;;) {
      const token = batch?.next();
      if (token !== undefined && !token.done) return token.value;
      const more = await batches.next();
      if (more.done) return undefined;
      batch = more.value[Symbol.iterator]();
    }
  }

  return {
    next,
    async nextEntry() {
      for (let token = await next(); token !== undefined; token = await next()) {
        if (token.kind === 'entry') return token;
      }
      return undefined;
    },
    async *body() {
      for (let token = await next(); token !== undefined && token.kind !== 'end'; token = await next()) {
        if (token.kind === 'data') yield (token as Any & { bytes: Uint8Array }).bytes;
      }
    },
    async [Symbol.asyncDispose]() {
      await batches.return(undefined);
    },
  };
}
