import type { Measured } from './contender.js';
import type { Judgement } from './goals.js';
import { median } from './median.js';
import type { MeasuredRow, Results } from './results.js';

/** The tables of one bench as Markdown. */
export function renderResults({ rows, runs, programs, machine, date }: Results): string {
  const lines = [
    '# Measured',
    '',
    `Written by \`npm run bench\` on ${date}; [README.md](README.md) says how. Times are wall times of whole processes: the median of`,
    `${runs} runs (smallest to largest), with the contenders in turns. CPU is the processor time of all their processes, peak the largest`,
    'resident set of any of them. A ratio is ours divided by the other one: below 1, ours is faster or smaller.',
    '',
    `- ${machine}`,
    ...programs.map((program) => `- ${program}`),
    '',
    '| Work | Goal | |',
    '|---|---|---|',
    ...rows.flatMap(summarize),
  ];
  for (const row of rows) lines.push('', ...renderRow(row));
  return `${lines.join('\n')}\n`;
}

function summarize({ work, goals, missing }: MeasuredRow): string[] {
  if (missing !== undefined) return [`| ${work} | - | left out: ${firstLine(missing)} |`];
  return goals.map((goal) => `| ${work} | ${escapeCell(goal.text)} | ${showVerdict(goal)} |`);
}

function renderRow({ work, note, missing, measured, goals }: MeasuredRow): string[] {
  const [ours] = measured;
  const head = [`## ${work}`, '', ...(note === undefined ? [] : [note, ''])];
  if (missing !== undefined) return [...head, `Left out: ${firstLine(missing)}`];
  return [
    ...head,
    '| | time | spread | CPU | peak | bytes | time ratio | size ratio |',
    '|---|---|---|---|---|---|---|---|',
    ...measured.map((each) => renderContender(each, ours)),
    ...(goals.length === 0 ? [] : ['']),
    ...goals.map((goal) => `- ${showVerdict(goal)}: ${goal.text}`),
  ];
}

function renderContender(each: Measured, ours: Measured | undefined): string {
  if (each.missing !== undefined)
    return `| ${escapeCell(each.name)} | left out: ${firstLine(each.missing)} | | | | | | |`;
  const seconds = median(each.seconds);
  const others = each === ours ? undefined : ours;
  const spread = `${showSeconds(Math.min(...each.seconds))} to ${showSeconds(Math.max(...each.seconds))}`;
  const cells = [
    escapeCell(each.name),
    `${showSeconds(seconds)} s`,
    spread,
    `${median(each.cpu).toFixed(2)} s`,
    `${Math.round(each.peak / 1024)} MiB`,
    each.bytes?.toLocaleString('en') ?? '',
    others === undefined ? '' : (median(others.seconds) / seconds).toFixed(3),
    others?.bytes === undefined || each.bytes === undefined ? '' : (others.bytes / each.bytes).toFixed(3),
  ];
  return `| ${cells.join(' | ')} |`;
}

function showVerdict({ met }: Judgement): string {
  if (met === undefined) return 'not judged';
  return met ? 'met' : '**not met**';
}

export function showSeconds(seconds: number): string {
  return seconds < 10 ? seconds.toFixed(3) : seconds.toFixed(1);
}

function firstLine(text: string): string {
  return escapeCell(text.split('\n')[0] ?? '');
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}
