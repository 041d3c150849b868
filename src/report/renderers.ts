import { formatJson, showText } from '../format/show-text.js';
import type { Report } from '../model/result/report.js';
import { renderHtml } from './html/page.js';
import { renderJunit } from './junit.js';
import { renderMarkdown } from './markdown.js';
import { renderPlainText } from './text.js';

/** Ending of a file name -> what is written to the file; the first ending that matches counts. */
export type Renderers<Value> = ReadonlyMap<string, (report: Value) => string>;

/** No terminal that shows the file obeys a text of an image, a guest or a patch in it. */
export const renderers: Renderers<Report> = new Map([
  ['.md', (report) => showText(renderMarkdown(report))],
  ['.json', (report) => `${formatJson(report)}\n`],
  ['.html', renderHtml],
  ['.junit.xml', renderJunit],
  ['.xml', renderJunit],
  ['.txt', (report) => showText(renderPlainText(report))],
]);
