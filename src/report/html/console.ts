import type { BootResult } from '../../model/result/boot.js';
import { type Markup, mark } from '../markup.js';

type Shown = Pick<BootResult, 'tail' | 'reason'> & Partial<Pick<BootResult, 'causes' | 'stages'>>;

/** Shorter lines, such as a bracket, are in many reasons by chance. */
const shortestLine = 4;

/** The end of a console. The lines that the reason or a cause quotes, and those by which stages were known, stand out. */
export function markConsole({ tail, reason = '', causes = [], stages = [] }: Shown): Markup {
  const said = [reason, ...causes].join('\n');
  const shown = new Set(stages.map(({ line }) => line?.trim()));
  const lines = tail.map((line) => {
    const text = line.trim();
    if (text.length >= shortestLine && said.includes(text))
      return mark`<mark class="blamed">${line}</mark>\n`;
    return shown.has(text) ? mark`<mark>${line}</mark>\n` : mark`${line}${{ markup: '\n' }}`;
  });
  return mark`<pre>${lines}</pre>\n`;
}
