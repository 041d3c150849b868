import { MobyPatchError } from '../../../model/error/error.js';
import { type Expectation, kindOf } from '../../../model/result/expectation.js';

const texts: ReadonlySet<string> = new Set([
  'console',
  'file',
  'service',
  'mount',
  'type',
  'command',
  'output',
  'answer',
]);

/**
 * An empty text is met by every boot: mostly it is a variable of a shell, or a parameter, without a value. Error (`invalid`):
 * `expectation-empty`.
 */
export function refuseEmpty(expectation: Expectation): void {
  const empty = Object.entries(expectation).find(([key, value]) => texts.has(key) && value === '');
  if (empty === undefined) return;
  const { patch } = expectation;
  const where = patch === undefined ? '' : ` of ${patch}`;
  const [key] = empty;
  const what = key === kindOf(expectation) ? '' : ` in an expectation of a ${kindOf(expectation)}`;
  const message = `found an empty ${key}${what} among what the boot must show${where}, which every boot would meet`;
  throw new MobyPatchError('invalid', 'expectation-empty', message, {
    hint:
      patch === undefined ? 'give it a text, or leave it out' : `give its parameter a value: -s NAME=VALUE`,
  });
}
