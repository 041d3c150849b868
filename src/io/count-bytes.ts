/** The same stream and result; `onDone` gets how many bytes have passed. */
export async function* countBytes<Result>(
  source: AsyncGenerator<Uint8Array, Result, void>,
  onDone: (done: number) => void,
): AsyncGenerator<Uint8Array, Result, void> {
  let done = 0;
  let isOver = false;
  try {
    for (;;) {
      const next = await source.next();
      isOver = next.done === true;
      if (next.done) return next.value;
      yield next.value;
      done += next.value.length;
      onDone(done);
    }
  } finally {
    // A reader that stops early ends the source too, as `yield*` does.
    if (!isOver) await source.return(undefined as Result);
  }
}
