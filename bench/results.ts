import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { type Measured, median } from './measure.js';
import type { Row } from './rows.js';

export interface MeasuredRow {
  readonly row: Row;
  readonly measured: readonly Measured[];
}

export interface Results {
  readonly rows: readonly MeasuredRow[];
  readonly runs: number;
  /** Name and version of each peer. */
  readonly programs: readonly string[];
}

/** The tables of one bench as Markdown. The first contender of each row is ours. */
export function renderResults({ rows, runs, programs }: Results): string {
  const lines = [
    '# Measured',
    '',
    'Written by one run of `npm run bench`, with the contenders in turns. Times are wall times of whole processes:',
    `median of ${runs} runs (smallest to largest). Peak is the largest resident set of any process. A ratio is ours`,
    'divided by the other one: below 1, ours is faster or smaller.',
    '',
    `- ${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`,
    ...programs.map((program) => `- ${program}`),
  ];
  for (const { row, measured } of rows) lines.push('', ...renderRow(row, measured));
  return `${lines.join('\n')}\n`;
}

function renderRow({ work, goals, note }: Row, measured: readonly Measured[]): string[] {
  const [ours] = measured;
  if (ours === undefined) return [];
  const mine = median(ours.seconds);
  const lines = measured.map((each, index) => {
    const seconds = median(each.seconds);
    const bytes = each.bytes === undefined ? '' : each.bytes.toLocaleString('en');
    const ratio = index === 0 ? '' : (mine / seconds).toFixed(3);
    const size =
      index === 0 || each.bytes === undefined || ours.bytes === undefined
        ? ''
        : (ours.bytes / each.bytes).toFixed(3);
    const spread = `${Math.min(...each.seconds).toFixed(2)} to ${Math.max(...each.seconds).toFixed(2)}`;
    return `| ${each.name} | ${seconds.toFixed(2)} s | ${spread} | ${Math.round(each.peak / 1024)} MiB | ${bytes} | ${ratio} | ${size} |`;
  });
  return [
    `## ${work}`,
    '',
    ...(note === undefined ? [] : [note, '']),
    '| | time | spread | peak | bytes | time ratio | size ratio |',
    '|---|---|---|---|---|---|---|',
    ...lines,
    '',
    ...goals.map((goal) => {
      const { text, met } = goal(measured);
      return `- ${met ? 'met' : '**not met**'}: ${text}`;
    }),
  ];
}
