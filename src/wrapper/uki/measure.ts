import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJson } from '../../format/parse-json.js';
import { isFile } from '../../io/file/exists.js';
import { openInputFile } from '../../io/file/input-file.js';
import { runProcess } from '../../io/process/process.js';
import type { ExpectedPcr } from '../../model/result/report.js';
import { copyPart } from '../copy-part.js';
import { findWrapper } from '../open-wrapper.js';
import { readStubVersion } from './addon.js';

/** No PATH leads to it. */
const places = ['/usr/lib/systemd/systemd-measure', '/lib/systemd/systemd-measure'];
/** Seconds: it hashes the sections. */
const patience = 120;

export interface MeasureOptions {
  /** A private folder. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

export interface Measured {
  /** One for each phase of the boot; none where something could not be measured. */
  readonly values: readonly ExpectedPcr[];
  /** Why there are no values, or why the stub may measure others. */
  readonly warning?: string | undefined;
}

/**
 * What PCR 11 will be when a UKI boots, as `systemd-measure` of this machine calculates it from the sections that the stub measures.
 * Undefined: this machine has no systemd-measure.
 */
export async function measureUki(path: string, options: MeasureOptions): Promise<Measured | undefined> {
  const { folder, signal } = options;
  const found = await Promise.all(places.map(isFile));
  const program = places[found.indexOf(true)];
  await using uki = await openInputFile(path);
  const wrapper = await findWrapper(uki);
  if (program === undefined || wrapper === undefined) return undefined;
  if (wrapper.parts.has('.profile@0'))
    return {
      values: [],
      warning: 'the UKI has profiles, each with other values of PCR 11: none are calculated',
    };
  const ask = (...argv: string[]) => runProcess([program, ...argv], { signal, timeout: patience });
  const help = await ask('--help');
  const sections = join(folder, 'sections');
  await mkdir(sections, { mode: 0o700 });
  const argv: string[] = [];
  for (const [name, part] of wrapper.parts) {
    const option = `--${name.slice(1)}=`;
    if (!name.startsWith('.') || !help.output.includes(` ${option}PATH`)) continue;
    const destination = join(sections, name.slice(1));
    await copyPart(uki, part, { destination, signal });
    argv.push(option + destination);
  }
  const { exitCode, output } = await ask('calculate', '--bank=sha256', '--json=short', ...argv);
  const values = exitCode === 0 ? readValues(parseJson(output)) : [];
  if (values.length === 0) {
    const reason = output.trim().split('\n').at(-1);
    return { values, warning: `systemd-measure gave no values of PCR 11: ${reason}` };
  }
  const own = Number(/systemd (\d+)/.exec((await ask('--version')).output)?.[1]);
  const stub = await readStubVersion(uki, wrapper);
  const isOther = stub !== undefined && stub !== own;
  const warning = `PCR 11 was calculated by systemd-measure ${own}, and the stub of systemd ${stub} may measure other sections`;
  return { values, ...(isOther && { warning }) };
}

/** `{"sha256": [{"phase": "enter-initrd", "pcr": 11, "hash": "..."}]}`. */
function readValues(value: unknown): ExpectedPcr[] {
  const list = (value as { readonly sha256?: unknown } | undefined)?.sha256;
  return (Array.isArray(list) ? list : []).flatMap(({ phase, hash }: Readonly<Record<string, unknown>>) =>
    typeof phase === 'string' && typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash)
      ? [{ phase, sha256: hash }]
      : [],
  );
}
