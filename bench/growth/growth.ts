import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { exists } from '#src/io/file/exists.js';
import type { Spent } from '../contender.js';
import { generateArchives } from '../generate.js';
import { measureCommand } from '../measure.js';
import { median } from '../median.js';
import { describeMachine } from '../results.js';
import { runShell } from '../shell.js';
import type { OpenBench } from '../workplace.js';
import { writeCompressed } from '../write-compressed.js';
import { type Grown, listAxes, type MeasuredAxis, type Point } from './axes.js';
import { drawGrowth } from './draw.js';
import { renderGrowth } from './render-growth.js';

interface GrowthOptions {
  /** Where the images are kept. */
  readonly cache: string;
  /** Bytes of the largest one, unpacked. */
  readonly largest: number;
}

/** Measures, and writes GROWTH.md and growth.svg. */
export async function measureGrowth(bench: OpenBench, { cache, largest }: GrowthOptions): Promise<void> {
  const axes: MeasuredAxis[] = [];
  for (const { points, ...axis } of listAxes(largest)) {
    const grown: Grown[] = [];
    for (const point of points) {
      console.error(`${axis.title}: ${point.value.toLocaleString('en')}`);
      const image = join(cache, `growth/${axis.id}-${point.value}.img`);
      if (!(await exists(image))) await writeImage(image, point);
      grown.push({ value: point.value, ...(await measurePoint(bench, image)) });
    }
    axes.push({ ...axis, grown });
  }
  const text = renderGrowth({
    axes,
    machine: describeMachine(),
    date: new Date().toISOString().slice(0, 10),
  });
  await writeFile(resolve('bench/GROWTH.md'), text);
  await writeFile(resolve('bench/growth.svg'), drawGrowth(axes));
  process.stdout.write(text);
}

async function writeImage(path: string, { shape, segments }: Point): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeCompressed(`${path}.part`, generateArchives(shape, segments), 'pigz -n -5');
  await rename(`${path}.part`, path);
}

/** Small work is measured several times: its time is the start of the program, which varies. */
async function measurePoint({ place, moby }: OpenBench, image: string): Promise<Omit<Grown, 'value'>> {
  await runShell(`cat ${image} > /dev/null`, place);
  const build = `${moby} build -q -i ${image} -p ./first --no-verify -o out.img`;
  return {
    inspect: await repeat(() => measureCommand(`${moby} inspect ${image}`, place)),
    build: await repeat(async () => {
      await runShell('rm -rf cache out.img*', place);
      return measureCommand(build, place);
    }),
  };
}

const enough = 5;

async function repeat(run: () => Promise<Spent>): Promise<Spent> {
  const spent: Spent[] = [];
  let seconds = 0;
  while (spent.length < enough && (spent.length === 0 || seconds < 8)) {
    const one = await run();
    spent.push(one);
    seconds += one.seconds;
  }
  return {
    seconds: median(spent.map((each) => each.seconds)),
    cpu: median(spent.map((each) => each.cpu)),
    peak: Math.max(...spent.map((each) => each.peak)),
  };
}
