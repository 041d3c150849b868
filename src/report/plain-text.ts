import type { Report } from '../model/report.js';
import { renderDiff, renderError, renderReport, showControls } from './text.js';

/** The report as a terminal shows it, then the error and every difference between the images. */
export function renderPlainText(report: Report): string {
  const lines = renderReport(report);
  if (report.error !== undefined) lines.push('', ...renderError(report.error).split('\n'));
  if (report.diff !== undefined && report.diff.differences.length > 0)
    lines.push('', ...renderDiff(report.diff));
  return `${lines.map(showControls).join('\n')}\n`;
}
