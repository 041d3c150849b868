import { MobyPatchError } from '../../../model/error/error.js';
import { type Expectation, kindOf, nameExpectation } from '../../../model/result/expectation.js';
import type { Init } from '../probe/detect-init.js';

/** Kinds that are seen from outside a guest, without a shell in it. */
const outside: ReadonlySet<string> = new Set(['console', 'port', 'poweroff']);

/**
 * A guest without a shell cannot report whether an expectation is met, and no image is refused for that. `lack`: why there is none.
 * Error (`invalid`): `nothing-to-expect`.
 */
export function assertAnswerable(init: Init, expects: readonly Expectation[], lack = 'has no /bin/sh'): void {
  if (init !== 'none') return;
  const asked = expects.find((expectation) => !outside.has(kindOf(expectation)) && !isWaived(expectation));
  const isTold = expects.some((expectation) => 'console' in expectation || 'port' in expectation);
  if (asked === undefined && isTold) return;
  const what = asked === undefined ? 'what it has reached' : `on: ${nameExpectation(asked)}`;
  const message = `the image ${lack}, so it cannot report ${what}`;
  throw new MobyPatchError('invalid', 'nothing-to-expect', message, {
    hint: 'name a line that a good boot prints: --expect REGEX',
  });
}

function isWaived(expectation: Expectation): boolean {
  return 'no-failed-services' in expectation && !expectation['no-failed-services'];
}
