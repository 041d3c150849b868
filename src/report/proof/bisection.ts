import { showText } from '../../format/show-text.js';
import type { Bisection, Proof } from '../../model/result/bisection.js';

/** What `bisect` prints: each try, then what was found and how the boot without and with it ended. */
export function renderBisection({ unit, units, tries, boots, culprit }: Bisection): string[] {
  const kind = unit === 'patch' ? 'patches' : 'steps';
  const lines = tries.map(
    (each) => `  ${nameCount(each.count).padEnd(9)} ${describeProof(each, culprit?.reason)}`,
  );
  const count = `${boots} ${boots === 1 ? 'boot' : 'boots'}`;
  const whole = units.length === 1 ? `this ${unit}` : `all ${units.length} ${kind}`;
  if (culprit === undefined)
    return [`nothing is broken: the image with ${whole} passes (${count})`, ...lines];
  const bad = tries.find((each) => each.count === culprit.number);
  return [
    `broken by ${unit} ${culprit.number} of ${units.length}: ${culprit.name} (${count})`,
    `  reason    ${showText(culprit.reason)}`,
    ...lines,
    ...(bad?.tail ?? []).map((line) => `  | ${showText(line)}`),
  ];
}

function nameCount(count: number): string {
  return count === 0 ? 'stock' : `first ${count}`;
}

/** `passed in 9.1 s`; `above`: the reason that was shown already. */
function describeProof(
  { verdict, seconds, endedAt, reason, remembered }: Proof,
  above: string | undefined,
): string {
  const when = seconds === undefined ? 'without a boot' : `in ${seconds.toFixed(1)} s`;
  const where = endedAt === undefined ? '' : ` at ${endedAt}`;
  const isSame = reason !== undefined && above !== undefined && leaveTimes(reason) === leaveTimes(above);
  const why = reason === undefined ? '' : isSame ? ', as above' : `: ${showText(reason)}`;
  return `${verdict}${where} ${when}${remembered ? ', remembered' : ''}${why}`;
}

/** Two boots that end alike end at different times. */
function leaveTimes(text: string): string {
  return text.replace(/\[ *\d+\.\d+\]|\d+(?:\.\d+)? s\b/g, '');
}
