import { writeFile } from 'node:fs/promises';

export interface Told {
  readonly verdict: string;
  readonly endedAt?: string | undefined;
  readonly reason: string;
}

const createHead = (count: number) => `# What a boot says of ${count} images

Each is a busybox with an odd or broken first program, booted under Debian's kernel by QEMU without KVM
(\`test/boot/gallery\`; \`UPDATE=1 npx ava build/test/boot/gallery/gallery.soak.test.js\` writes this page). Seconds are those of one run.
[Verification](verification.md) has the rules.

| The image | Verdict | Ended at | Reason |
|---|---|---|---|
`;

/** Writes the page of verdicts, by the name of the image. */
export async function writeVerdicts(told: ReadonlyMap<string, Told>): Promise<void> {
  const rows = [...told].map(
    ([name, { verdict, endedAt = '', reason }]) =>
      `| ${[name, verdict, endedAt, reason].map(escapeCell).join(' | ')} |\n`,
  );
  await writeFile('docs/verdicts.md', `${createHead(told.size)}${rows.join('')}`);
}

function escapeCell(text: string): string {
  return text.replace(/ +/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*');
}
