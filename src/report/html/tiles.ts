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

/** What a reader wants to know first, in figures. */
export function createTiles(report: Report): Markup {
  const { before, after, diff, boot, steps, durationMs } = report;
  const verdict = describeVerdict(report);
  const packages = steps.flatMap((step) => Object.keys(step.packages)).length;
  const change = after && before && after.size - before.size;
  const tiles: readonly (Markup | undefined)[] = [
    createTile(verdict.text, boot?.reason ?? (boot && describeReached(boot)) ?? '', verdict.name),
    after && createTile(showBytes(after.size), change === undefined ? 'size' : `size, ${showChange(change)}`),
    diff &&
      createTile(
        String(diff.added + diff.changed + diff.removed),
        `differences: ${diff.added} added, ${diff.changed} changed, ${diff.removed} removed`,
      ),
    boot && createTile(`${boot.seconds.toFixed(1)} s`, `boot, with ${boot.accelerator}`),
    packages === 0 ? undefined : createTile(String(packages), 'packages'),
    createTile(showSeconds(durationMs), 'in all'),
  ];
  return mark`<div class="tiles">\n${tiles.flatMap((tile) => tile ?? [])}</div>\n`;
}

function createTile(figure: string, text: string, name = ''): Markup {
  return mark`<div class="tile"><b class="${name}">${figure}</b><span>${text}</span></div>\n`;
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
