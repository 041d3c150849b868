import { showMode } from '../format/mode.js';
import { showPath } from '../format/path.js';
import { showText } from '../format/show-text.js';
import type { ExplainedRecord, Explanation } from '../model/result/explanation.js';

/** A folder may be that of many packages. */
const mostPackages = 5;
/** A busybox has 300 names. */
const mostLinks = 5;

/** What `explain` prints: what there is, the records behind it, and who put it there. */
export function renderExplanation(explanation: Explanation): string[] {
  const { path, canonical, entry, records, links, notes, packages, origin } = explanation;
  const name = showPath(canonical || '.');
  return [
    ...(canonical === path.replace(/^\/+|\/+$/g, '') ? [] : [`${showPath(path)} is ${name}`]),
    entry === undefined
      ? `${name}: nothing that the running system sees`
      : `${name}: ${describeEntry(entry)}`,
    ...records.flatMap(describeRecord),
    ...links.slice(0, mostLinks).map((link) => `  link     ${showPath(link)} is the same file`),
    ...(links.length > mostLinks
      ? [`  link     and ${links.length - mostLinks} more names; --json has all`]
      : []),
    ...notes.map((note) => `  note     ${showText(note)}`),
    ...describeOrigin(origin),
    ...packages.slice(0, mostPackages).map((each) => `  package  ${showText(each)}`),
    ...(packages.length > mostPackages ? [`  package  and ${packages.length - mostPackages} more`] : []),
  ];
}

function describeEntry(entry: NonNullable<Explanation['entry']>): string {
  const { type, mode, uid, gid, size, target, device } = entry;
  const extent =
    device !== undefined
      ? `${device.major}:${device.minor}`
      : target !== undefined
        ? `-> ${showPath(target)}`
        : type === 'file'
          ? `${size} bytes`
          : '';
  return `${type} ${showMode(type, mode)} ${uid}:${gid} ${extent}`.trimEnd();
}

function describeRecord({
  segment,
  index,
  type = 'unknown type',
  size,
  effect,
  gives,
}: ExplainedRecord): string[] {
  const extent = type === 'file' ? `, ${size} bytes` : '';
  const names = gives.map((part) => (part === 'content' && type === 'symlink' ? 'target' : part));
  const is = names.join() === 'content' ? 'is' : 'are';
  const given = names.length === 0 ? '' : `; ${names.join(', ')} ${is} from here`;
  return [`  record   ${index} in segment ${segment}: ${type}${extent}: ${showText(effect)}${given}`];
}

function describeOrigin(origin: Explanation['origin']): string[] {
  if (origin === undefined) return [];
  const { change, steps } = origin;
  if (change === 'stock') return ['  origin   the stock image: no patch changed it'];
  const which = steps.length === 1 ? '' : ' (one of these)';
  return steps.length === 0
    ? [`  origin   ${change} by the build`]
    : steps.map(
        ({ patch, summary }) =>
          `  origin   ${change} by the patch ${showText(patch)}: ${showText(summary)}${which}`,
      );
}
