import { formatJson, showText } from '../../format/show-text.js';
import { fence } from '../fence.js';
import type { Renderers } from '../renderers.js';

interface ManyForms<Report> {
  /** What was done, and how it ended. */
  readonly title: (report: Report) => string;
  /** For a person. */
  readonly lines: (report: Report) => readonly string[];
  readonly page: (report: Report) => string;
  readonly junit: (report: Report) => string;
}

/** A report of many images in the forms of the report of one build. */
export function createManyRenderers<Report>({
  title,
  lines,
  page,
  junit,
}: ManyForms<Report>): Renderers<Report> {
  const renderMarkdown = (report: Report) =>
    `${[`# ${title(report)}`, '', ...fence(lines(report))].join('\n')}\n`;
  return new Map([
    ['.md', (report: Report) => showText(renderMarkdown(report))],
    ['.html', page],
    ['.json', (report: Report) => `${formatJson(report)}\n`],
    ['.junit.xml', junit],
    ['.xml', junit],
    ['.txt', (report: Report) => `${showText(lines(report).join('\n'))}\n`],
  ]);
}
