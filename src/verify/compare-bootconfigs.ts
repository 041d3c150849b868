import { parseBootconfig } from '../format/bootconfig/bootconfig-parser.js';
import type { BootconfigDifference } from '../model/image/diff.js';

/** The keys that differ; a text that cannot be parsed is the value of a key without a name. Undefined for equal texts. */
export function compareBootconfigs(
  before: string | undefined,
  after: string | undefined,
): readonly BootconfigDifference[] | undefined {
  if (before === after) return undefined;
  const [old, now] = [listKeys(before), listKeys(after)];
  const show = (values: readonly string[] | undefined) => JSON.stringify(values);
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort()
    .filter((key) => show(old.get(key)) !== show(now.get(key)))
    .map((key) => ({ key, before: old.get(key), after: now.get(key) }));
}

function listKeys(text: string | undefined): ReadonlyMap<string, readonly string[]> {
  if (text === undefined) return new Map();
  const parsed = parseBootconfig(text);
  return 'problem' in parsed ? new Map([['', [text]]]) : parsed.keys;
}
