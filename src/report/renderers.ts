import { formatJson, showText } from '../format/show-text.js';
import type { Report } from '../model/result/report.js';
import type { Renderers } from './find-renderer.js';
import { renderHtml } from './html/page.js';
import { renderJunit } from './junit.js';
import { renderMarkdown } from './markdown.js';
import { renderPlainText } from './text.js';

/** No terminal that shows the file obeys a text of an image, a guest or a patch in it. */
export const renderers: Renderers<Report> = new Map([
  ['.md', (report) => showText(renderMarkdown(report))],
  ['.json', (report) => `${formatJson(report)}\n`],
  ['.html', renderHtml],
  ['.junit.xml', renderJunit],
  ['.xml', renderJunit],
  ['.txt', (report) => showText(renderPlainText(report))],
]);
