import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/** Bytes in use that only an image of very many entries needs. */
const large = 32 * 2 ** 20;
const interval = 20;

/**
 * Left alone, V8 lets garbage grow to a few times what is in use before it looks for it (550 MB where 110 are
 * held, for an image of 200,000 files). From the moment on that much is in use it may grow by half only:
 * before that, looking so often would cost a seventh of the time of a build and save nothing.
 */
export function keepHeapSmall(): void {
  const timer = setInterval(() => {
    if (getHeapStatistics().used_heap_size < large) return;
    setFlagsFromString('--heap-growing-percent=50');
    clearInterval(timer);
  }, interval);
  timer.unref();
}
