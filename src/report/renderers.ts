import type { Report } from '../model/report.js';
import { renderHtml } from './html.js';
import { renderJunit } from './junit.js';
import { renderMarkdown } from './markdown.js';
import { renderPlainText } from './text.js';

/** Ending of a file name -> what is written to the file; the first ending that matches counts. */
export const renderers: ReadonlyMap<string, (report: Report) => string> = new Map([
  ['.md', renderMarkdown],
  ['.json', (report) => `${JSON.stringify(report, null, 2)}\n`],
  ['.html', renderHtml],
  ['.junit.xml', renderJunit],
  ['.xml', renderJunit],
  ['.txt', renderPlainText],
]);
