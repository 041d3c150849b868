import type { Report } from '../../model/result/report.js';
import { listSections } from './sections.js';
import { renderShell } from './shell.js';
import { describeVerdict, listTiles } from './tiles.js';

/** The page of one build, plan or boot. */
export function renderHtml(report: Report): string {
  return renderShell({
    title: report.input,
    verdict: describeVerdict(report),
    tiles: listTiles(report),
    sections: listSections(report),
  });
}
