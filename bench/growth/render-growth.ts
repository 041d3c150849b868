import { showSeconds } from '../render.js';
import type { Grown, MeasuredAxis } from './axes.js';
import { findExponent } from './exponent.js';

interface Growth {
  readonly axes: readonly MeasuredAxis[];
  readonly machine: string;
  readonly date: string;
}

const curves = [
  { title: '`inspect`, CPU', value: ({ inspect }: Grown) => inspect.cpu },
  { title: '`build`, CPU', value: ({ build }: Grown) => build.cpu },
  { title: '`inspect`, peak', value: ({ inspect }: Grown) => inspect.peak },
  { title: '`build`, peak', value: ({ build }: Grown) => build.peak },
] as const;

export function renderGrowth({ axes, machine, date }: Growth): string {
  const lines = [
    '# How cost grows',
    '',
    `Written by \`npm run bench -- --growth\` on ${date}: the median of up to five runs, and the largest peak of them. \`build\` changes`,
    'one file of a gzip image and boots nothing, with an empty cache. An exponent is the slope of the last three points on logarithmic',
    'scales: 1 is linear, 0 is none. Exponents of time are taken from processor time, which other work changes least.',
    '',
    `- ${machine}`,
    '',
    '![Time and memory against size, entries and segments](growth.svg)',
  ];
  for (const { title, unit, grown } of axes) {
    lines.push('', `## ${title}`, '');
    lines.push(`| ${unit} | inspect | CPU | peak | build | CPU | peak |`, '|--:|--:|--:|--:|--:|--:|--:|');
    lines.push(...grown.map(renderPoint), '');
    const exponents = curves.map((curve) => {
      const samples = grown.map((each) => ({ x: each.value, y: curve.value(each) }));
      return `${curve.title} ${findExponent(samples).toFixed(2)}`;
    });
    lines.push(`Exponents: ${exponents.join(', ')}.`);
  }
  return `${lines.join('\n')}\n`;
}

function renderPoint({ value, inspect, build }: Grown): string {
  const cells = [inspect, build].flatMap(({ seconds, cpu, peak }) => [
    `${showSeconds(seconds)} s`,
    `${cpu.toFixed(2)} s`,
    `${Math.round(peak / 1024)} MiB`,
  ]);
  return `| ${value.toLocaleString('en')} | ${cells.join(' | ')} |`;
}
