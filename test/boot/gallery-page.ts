import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from '#src/model/result/report.js';
import { renderReport } from '#src/report/text.js';

const begin = '<!-- boots -->\n';
const end = '<!-- end of the boots -->';
const longestLine = 240;

/** Puts what a boot has shown of each patch into the page of the patch; it replaces what an earlier boot of the same image showed. */
export async function writeBoots(
  patches: readonly string[],
  { title, report }: { readonly title: string; readonly report: Report },
): Promise<void> {
  const lines = renderReport(report);
  for (const id of patches) {
    const own = new RegExp(`^ {2}(?:step {5}${id}: |expected yes ${id}: |boot {5})`);
    const shown = lines.filter((line) => own.test(line)).map(shorten);
    const path = join('patches', id, 'README.md');
    const page = introduce(await readFile(path, 'utf8'));
    const [start, stop] = [page.indexOf(begin), page.indexOf(end)];
    if (start < 0 || stop < 0) throw new Error(`${path}: found no ${begin}`);
    const blocks = parseBlocks(page.slice(start + begin.length, stop));
    blocks.set(title, ['```', ...shown, '```'].join('\n'));
    const text = [...blocks].map(([name, block]) => `${name}:\n\n${block}\n\n`).join('');
    await writeFile(path, `${page.slice(0, start)}${begin}\n${text}${page.slice(stop)}`);
  }
}

const heading = '## A build and its boot\n\n';
const introduction =
  'Each image had other patches too, and was booted; these are the lines of its report about this patch.\n\n';

/** A page gets its heading and introduction with its first boot. */
function introduce(page: string): string {
  if (page.includes(introduction)) return page;
  return page.replace(begin, `${page.includes(heading) ? '' : heading}${introduction}${begin}`);
}

function parseBlocks(text: string): Map<string, string> {
  const blocks = text.matchAll(/^(\S[^\n]*):\n\n(```\n[\s\S]*?\n```)$/gm);
  return new Map([...blocks].map(([, name = '', block = '']) => [name, block]));
}

function shorten(line: string): string {
  return line.length > longestLine ? `${line.slice(0, longestLine)}...` : line;
}
