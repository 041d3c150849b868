import type { Parameter } from '../../model/patch/patch.js';
import { describeValue } from '../../yaml/describe-issue.js';
import { suggest } from '../../yaml/did-you-mean.js';
import type { Problem } from '../../yaml/problems.js';
import type { YamlValue } from '../../yaml/read-yaml.js';

type Path = readonly PropertyKey[];

/** Parameters in conditions that the patch does not have, or whose values must not show. */
export function checkConditions(
  yaml: YamlValue,
  written: Readonly<Record<string, unknown>>,
  parameters: Readonly<Record<string, Parameter>>,
): Problem[] {
  return findConditions(written).flatMap(([path, condition]) =>
    [['parameter'], ['not', 'parameter']].flatMap((keys) => {
      const map = keys.reduce(member, condition);
      return Object.keys((map ?? {}) as object).flatMap((name): Problem[] => {
        const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
        const at = yaml.locateKey([...path, ...keys, name]);
        if (parameter === undefined) {
          const known = Object.keys(parameters);
          const text = `found the parameter ${describeValue(name)}${suggest(name, known)}, wanted one of the patch (there is: ${known.join(', ') || 'none'})`;
          return [{ at, code: 'placeholder-wrong', text }];
        }
        if (!parameter.secret) return [];
        const text = `found the secret ${name} in a condition, which shows its value, wanted another parameter`;
        return [{ at, code: 'secret-place', text }];
      });
    }),
  );
}

function findConditions(written: Readonly<Record<string, unknown>>): (readonly [Path, unknown])[] {
  const inLists = ['steps', 'expects'].flatMap((part) => {
    const list = written[part];
    const members: readonly unknown[] = Array.isArray(list) ? list : [];
    return members.map((each, index) => [[part, index, 'when'], member(each, 'when')] as const);
  });
  return [[['when'], written.when] as const, ...inLists];
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
