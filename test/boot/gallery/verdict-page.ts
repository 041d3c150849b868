import { writeFile } from 'node:fs/promises';

export interface Told {
  readonly verdict: string;
  readonly endedAt?: string | undefined;
  readonly reason: string;
}

type Row = readonly [name: string, told: Told];

const createHead = (count: number) => `# What a boot says of ${count} images

Each is a busybox with an odd or broken first program, booted under Debian's kernel by QEMU without KVM
(\`test/boot/gallery\`; \`UPDATE=1 npx ava build/test/boot/gallery/gallery.soak.test.js\` writes this page). Seconds are those of one run;
the times of the kernel in front of its lines are left out. [Verification](verification.md) has the rules.
`;

/** Stages at which a refused boot ended, as headings; all others are expectations. */
const places: Readonly<Record<string, string>> = {
  unpacked: 'Refused while the image was unpacked',
  init: 'Refused at the first program',
  system: 'Refused before the system was up',
};

const expectation = 'Refused at an expectation';

/** What a message says to do, which is the same for many images. */
const advice = /; ((?:see|expect|give|remove|if that is|the lines before) .*)$/;

/** The page of verdicts, by the name of the image: refused ones by their stage, then those without a verdict, then good ones. */
export function renderVerdicts(told: ReadonlyMap<string, Told>): string {
  const rows = [...told];
  const of = (verdict: string) => rows.filter(([, each]) => each.verdict === verdict);
  const titleOf = ([, { endedAt = '' }]: Row) => places[endedAt] ?? expectation;
  const refused = [...Object.values(places), expectation].flatMap((title) =>
    renderRefused(
      title,
      of('refused').filter((row) => titleOf(row) === title),
    ),
  );
  const unknown = rows.filter(([, { verdict }]) => verdict !== 'refused' && verdict !== 'passed');
  const codes = unknown.map(
    ([name, { verdict, reason }]) => `| ${[name, `\`${verdict}\``, reason].map(escapeCell).join(' | ')} |\n`,
  );
  return [
    createHead(told.size),
    ...refused,
    `\n## No verdict\n\n| The image | Error | Reason |\n|---|---|---|\n${codes.join('')}`,
    `\n## Passed\n\n${of('passed')
      .map(([name]) => `- ${escapeCell(name)}\n`)
      .join('')}`,
  ].join('');
}

function renderRefused(title: string, rows: readonly Row[]): string[] {
  if (rows.length === 0) return [];
  const showsStage = title === expectation;
  const head = showsStage
    ? '| The image | Ended at | Reason |\n|---|---|---|\n'
    : '| The image | Reason |\n|---|---|\n';
  const hints = new Set<string>();
  const lines = rows.map(([name, { endedAt = '', reason }]) => {
    const hint = advice.exec(reason)?.[1];
    if (hint !== undefined) hints.add(hint);
    const cells = [name, ...(showsStage ? [endedAt] : []), reason.replace(advice, '')];
    return `| ${cells.map(escapeCell).join(' | ')} |\n`;
  });
  const list = [...hints].map((hint) => `- ${escapeCell(hint)}\n`).join('');
  const after = list === '' ? '' : `\nThe messages go on with what to do:\n\n${list}`;
  return [`\n## ${title}\n\n${head}${lines.join('')}${after}`];
}

/** Writes the page. */
export async function writeVerdicts(told: ReadonlyMap<string, Told>): Promise<void> {
  await writeFile('docs/verdicts.md', renderVerdicts(told));
}

function escapeCell(text: string): string {
  return text
    .replace(/\[ *\d+\.\d+\] /g, '')
    .replace(/ +/g, ' ')
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replaceAll('*', '\\*');
}
