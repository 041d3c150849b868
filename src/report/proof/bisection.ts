import { showText } from '../../format/show-text.js';
import type { Bisection, Proof } from '../../model/result/bisection.js';

/** What `bisect` prints: each try, then what was found and how the boot without and with it ended. */
export function renderBisection({
  unit,
  units,
  tries,
  boots,
  culprit,
  stockUntried,
  image,
}: Bisection): string[] {
  const kind = unit === 'patch' ? 'patches' : 'steps';
  const lines = tries.map((each) => `  ${`first ${each.count}`.padEnd(9)} ${describeProof(each)}`);
  const count = `${boots} ${boots === 1 ? 'boot' : 'boots'}`;
  if (culprit === undefined)
    return [`nothing is broken: the image with all ${units.length} ${kind} passes (${count})`, ...lines];
  const bad = tries.find((each) => each.count === culprit.number);
  return [
    `broken by ${unit} ${culprit.number} of ${units.length}: ${culprit.name} (${count})`,
    `  reason    ${showText(culprit.reason)}`,
    ...lines,
    ...(bad?.tail ?? []).map((line) => `  | ${showText(line)}`),
    ...(stockUntried
      ? [
          `  note      the first ${unit} is the earliest; whether the stock image fails too: moby-patch verify ${image}`,
        ]
      : []),
  ];
}

/** `passed in 9.1 s`. */
function describeProof({ verdict, seconds, endedAt, reason, remembered }: Proof): string {
  const when = seconds === undefined ? 'without a boot' : `in ${seconds.toFixed(1)} s`;
  const where = endedAt === undefined ? '' : ` at ${endedAt}`;
  const why = reason === undefined ? '' : `: ${showText(reason)}`;
  return `${verdict}${where} ${when}${remembered ? ', remembered' : ''}${why}`;
}
