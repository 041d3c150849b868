/** Seconds of waiting over which the rate is taken. */
const window = 600;
/** Bytes that must come in it: 100 a second; a modem of 2,400 bit/s gives 240. */
const least = 60_000;

/** Told what came after so many seconds of waiting for it; whether that is a trickle. */
export type Pace = (bytes: number, seconds: number) => boolean;

/** Bounds an answer that is never silent and never over. The time in which its bytes are worked on does not count. */
export function createPace(): Pace {
  let waited = 0;
  let came = 0;
  return (bytes, seconds) => {
    waited += seconds;
    came += bytes;
    if (waited < window) return false;
    const isTrickle = came < least;
    waited = 0;
    came = 0;
    return isTrickle;
  };
}

export function describeTrickle(what: string): string {
  return `the registry sent fewer than ${least} bytes of ${what} in ${window} s`;
}
