import type { BootResult } from '../../../model/result/boot.js';
import { type AttestedPath, parseAttested } from '../attest/attested-line.js';

/** The word that starts every line of the probe in the guest; the nonce of this boot follows. */
export const markerWord = 'moby-patch-verify';

export type Marker =
  /** The first program is about to start. */
  | { readonly kind: 'started' }
  | {
      readonly kind: 'reached';
      readonly what: Exclude<BootResult['reached'], 'nothing'>;
      /** Of OpenRC, another than `default`. */
      readonly runlevel?: string;
    }
  /** OpenRC rests in another runlevel than the one in which the boot is to end. */
  | { readonly kind: 'elsewhere'; readonly runlevel: string }
  /** What the guest found at an expectation. */
  | { readonly kind: 'check'; readonly index: number; readonly ok: boolean; readonly found: string }
  /** A line of the output of a command. */
  | { readonly kind: 'output'; readonly index: number; readonly line: string }
  /** For how many seconds the first program has had its name, how many children it has, and what is mounted. */
  | { readonly kind: 'alive'; readonly rounds: number; readonly children: number; readonly mounts: number }
  /** A path of the root, told before the first program; then how many there were. */
  | { readonly kind: 'attest'; readonly found: AttestedPath }
  | { readonly kind: 'attested'; readonly count: number }
  /** A line of a survey: `begin`, `service NAME STATE`, `process NUMBER NAME`, `memory KIB`, `end`. */
  | { readonly kind: 'survey'; readonly text: string }
  /** The type of the file system that the first program went over to. */
  | { readonly kind: 'handed'; readonly text: string }
  /** Disks and partitions that the kernel has found. */
  | { readonly kind: 'disks'; readonly text: string }
  | { readonly kind: 'warning'; readonly text: string }
  /**
   * An init system waits for a person: systemd in its `emergency` or `rescue` mode, others in `sulogin`. `failed`: units of systemd that
   * failed, empty where it lists none.
   */
  | { readonly kind: 'maintenance'; readonly mode: string; readonly failed: string }
  /** Refuses the boot. */
  | { readonly kind: 'broken'; readonly text: string };

const textual = ['warning', 'broken', 'survey', 'handed', 'disks'] as const;

function isTextual(word: string): word is (typeof textual)[number] {
  return textual.some((each) => each === word);
}

const goals: ReadonlySet<string> = new Set<Exclude<BootResult['reached'], 'nothing'>>([
  'init',
  'default runlevel',
  'default target',
  'runlevel',
  'inittab',
]);

/**
 * Undefined for a line that the probe did not write. Other text may stand before the marker. Without the dot at its end
 * another writer has torn the line, and the probe will repeat it.
 */
export function parseMarker(line: string, nonce: string): Marker | undefined {
  const start = `${markerWord} ${nonce} `;
  const at = line.indexOf(start);
  if (at < 0 || !line.endsWith(' .')) return undefined;
  const text = line.slice(at + start.length, -2);
  const [, word = '', rest = ''] = /^(\S+) ?(.*)$/s.exec(text) ?? [];
  if (word === 'started') return { kind: 'started' };
  if (word === 'reached') return parseReached(rest);
  if (word === 'elsewhere') return { kind: word, runlevel: rest };
  if (word === 'maintenance') {
    const [, mode = '', failed = ''] = /^(\S+) ?(.*)$/.exec(rest) ?? [];
    return { kind: word, mode, failed };
  }
  if (isTextual(word)) return { kind: word, text: rest };
  return parseNumbered(word, rest);
}

function parseReached(text: string): Marker | undefined {
  const [, runlevel] = /^runlevel (\S+)$/.exec(text) ?? [];
  if (runlevel !== undefined) return { kind: 'reached', what: 'runlevel', runlevel };
  return goals.has(text)
    ? { kind: 'reached', what: text as Exclude<BootResult['reached'], 'nothing'> }
    : undefined;
}

function parseNumbered(word: string, rest: string): Marker | undefined {
  if (word === 'alive') {
    const [rounds = 0, children = 0, mounts = 0] = rest.split(' ').map((number) => Number(number) || 0);
    return { kind: 'alive', rounds, children, mounts };
  }
  if (word === 'attest') {
    const found = parseAttested(rest);
    return found === undefined ? undefined : { kind: 'attest', found };
  }
  if (word === 'attested') return /^\d+$/.test(rest) ? { kind: 'attested', count: Number(rest) } : undefined;
  const [, digits = '', text = ''] = /^(\d{1,6}) ?(.*)$/s.exec(rest) ?? [];
  if (digits === '') return undefined;
  const index = Number(digits);
  if (word === 'output') return { kind: 'output', index, line: text };
  const check = /^(ok|no)(?: (.*))?$/s.exec(text);
  if (word !== 'check' || check === null) return undefined;
  return { kind: 'check', index, ok: check[1] === 'ok', found: check[2] ?? '' };
}

const markerLike = new RegExp(`${markerWord} [0-9a-f]+ `);

/** Whether a line is one of the probe's, or pretends to be. No expectation is met by it. */
export function isMarkerLine(line: string): boolean {
  return markerLike.test(line);
}
