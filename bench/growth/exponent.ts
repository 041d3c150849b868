export interface Sample {
  readonly x: number;
  readonly y: number;
}

/** The last points count: before them the start of the program hides what grows. */
const counted = 3;

/**
 * The slope of the line through the last points on logarithmic scales (least squares): 1 is linear growth, 0 is none,
 * 2 quadratic.
 */
export function findExponent(samples: readonly Sample[]): number {
  const points = samples.slice(-counted).map(({ x, y }) => ({ x: Math.log(x), y: Math.log(y) }));
  const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
  const [x, y] = [mean(points.map((each) => each.x)), mean(points.map((each) => each.y))];
  const along = points.map((each) => (each.x - x) * (each.y - y)).reduce((sum, each) => sum + each, 0);
  const across = points.map((each) => (each.x - x) ** 2).reduce((sum, each) => sum + each, 0);
  return along / across;
}
