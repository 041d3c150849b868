import type { BootResult } from '../../model/result/boot.js';
import type { Report } from '../../model/result/report.js';
import { type Markup, mark } from '../markup.js';
import { describeReached } from '../reached.js';
import { showSeconds } from '../text.js';

export interface Verdict {
  readonly name: 'passed' | 'failed' | 'skipped';
  readonly text: string;
}

export function describeVerdict({ failed, boot, after }: Report): Verdict {
  if (boot?.verdict === 'refused') return { name: 'failed', text: 'boot refused' };
  if (failed) return { name: 'failed', text: 'failed' };
  if (boot !== undefined) return { name: 'passed', text: 'done and booted' };
  return { name: 'skipped', text: after === undefined ? 'done' : 'done, not booted' };
}

/** A figure and what it is of. */
export interface Tile {
  readonly figure: string;
  readonly text: string;
  readonly name?: Verdict['name'] | undefined;
}

/** What a reader wants to know first, in figures. */
export function listTiles(report: Report): Tile[] {
  const { before, after, diff, boot, steps, durationMs } = report;
  const verdict = describeVerdict(report);
  const packages = steps.flatMap((step) => Object.keys(step.packages)).length;
  const change = after && before && after.size - before.size;
  const tiles: readonly (Tile | undefined)[] = [
    {
      figure: verdict.text,
      text: boot?.reason ?? (boot && describeReached(boot)) ?? '',
      name: verdict.name,
    },
    after && {
      figure: showBytes(after.size),
      text: change === undefined ? 'size' : `size, ${showChange(change)}`,
    },
    diff && {
      figure: String(diff.added + diff.changed + diff.removed),
      text: `differences: ${diff.added} added, ${diff.changed} changed, ${diff.removed} removed`,
    },
    boot && { figure: `${boot.seconds.toFixed(1)} s`, text: describeTime(boot) },
    packages === 0 ? undefined : { figure: String(packages), text: 'packages' },
    { figure: showSeconds(durationMs), text: 'in all' },
  ];
  return tiles.flatMap((tile) => tile ?? []);
}

/** A busy machine makes a boot of seconds last for minutes: without its share the figures do not fit together. */
function describeTime({ accelerator, waited }: BootResult): string {
  const rest = waited < 1 ? '' : `, and ${waited.toFixed(1)} s of waiting for this machine`;
  return `boot, with ${accelerator}${rest}`;
}

export function renderTiles(tiles: readonly Tile[]): Markup {
  const parts = tiles.map(
    ({ figure, text, name = '' }) =>
      mark`<div class="tile"><b class="${name}">${figure}</b><span>${text}</span></div>\n`,
  );
  return mark`<div class="tiles">\n${parts}</div>\n`;
}

/** With three significant digits; the exact number of bytes stands further down. */
export function showBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const value = bytes / 1000 ** step;
  return `${step === 0 ? value : value.toPrecision(3)} ${units[step]}`;
}

function showChange(bytes: number): string {
  if (bytes === 0) return 'as before';
  return `${bytes > 0 ? '+' : '-'}${showBytes(Math.abs(bytes))}`;
}
