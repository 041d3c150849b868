import type { BootResult } from '../../model/boot.js';

/** The word that starts every line of the probe in the guest; the nonce of this boot follows. */
export const markerWord = 'moby-patch-verify';

export type Marker =
  | { readonly kind: 'reached'; readonly what: Exclude<BootResult['reached'], 'nothing'> }
  | {
      readonly kind: 'file';
      /** The index of the expectation. */
      readonly index: number;
      readonly state: 'ok' | 'missing' | 'differs';
      /** The first line of a file that differs. */
      readonly found: string;
    }
  | { readonly kind: 'warning'; readonly text: string };

/**
 * Undefined for a line that the probe did not write. Other text may stand before the marker. Without the dot at its end
 * another writer has torn the line, and the probe will repeat it.
 */
export function parseMarker(line: string, nonce: string): Marker | undefined {
  const start = `${markerWord} ${nonce} `;
  const at = line.indexOf(start);
  if (at < 0 || !line.endsWith(' .')) return undefined;
  const text = line.slice(at + start.length, -2);
  if (text === 'reached init' || text === 'reached default runlevel')
    return { kind: 'reached', what: text === 'reached init' ? 'init' : 'default runlevel' };
  const file = /^file (\d{1,6}) (ok|missing|differs)(?: (.*))?$/.exec(text);
  if (file !== null)
    return {
      kind: 'file',
      index: Number(file[1]),
      state: file[2] as 'ok' | 'missing' | 'differs',
      found: file[3] ?? '',
    };
  const warning = /^warning (.+)$/.exec(text);
  return warning === null ? undefined : { kind: 'warning', text: warning[1] ?? '' };
}

const markerLike = new RegExp(`${markerWord} [0-9a-f]+ `);

/** Whether a line is one of the probe's, or pretends to be. No expectation is met by it. */
export function isMarkerLine(line: string): boolean {
  return markerLike.test(line);
}
