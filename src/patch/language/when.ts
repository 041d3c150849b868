import { z } from 'zod';
import type { Condition, When } from '../../model/patch/condition.js';
import type { ImageFacts } from '../../model/patch/facts.js';
import { explainIssues, type Fault } from '../../yaml/schema-issues.js';
import { createKeyFinder } from '../../yaml/schema-keys.js';
import { imagePath } from '../steps/schemas.js';
import { formatValue, type Values } from './expressions.js';
import { fillValue } from './placeholders.js';
import { createScalar } from './scalar.js';

const scalar = createScalar(255);

function oneOrMore<Schema extends z.ZodType<string>>(schema: Schema) {
  return z.union([schema.transform((each) => [each]), z.array(schema).min(1).max(100)]);
}

const keys = {
  os: oneOrMore(z.string().min(1).max(255))
    .optional()
    .describe('ID of etc/os-release: alpine, debian ...; of a list, one.'),
  version: z
    .union([z.string(), z.number().transform(String)])
    .refine((text) => parseComparisons(text) !== undefined, {
      error: 'expected a version such as "3.19", or ">=3.18 <4"',
    })
    .optional()
    .describe('VERSION_ID of etc/os-release: "3.19", which 3.19.1 is too, or ">=3.18 <4".'),
  'package-manager': oneOrMore(z.string().min(1).max(255))
    .optional()
    .describe('A package manager that the image has: apk, apt ...; of a list, one.'),
  init: oneOrMore(z.string().min(1).max(255))
    .optional()
    .describe('The init system: openrc, systemd, sysvinit or busybox; of a list, one.'),
  architecture: oneOrMore(z.string().min(1).max(255))
    .optional()
    .describe('The machine, as uname -m says it: x86_64, aarch64 ...; of a list, one.'),
  path: oneOrMore(imagePath)
    .optional()
    .describe('A path that the image has before the first step; of a list, all.'),
  parameter: z
    .record(z.string(), oneOrMore(scalar))
    .optional()
    .describe('Parameters with their values; of a list of values, one.'),
};

const wanted = { error: `expected at least one of ${Object.keys(keys).join(', ')}` };

export const whenSchema = z
  .strictObject({
    ...keys,
    not: z
      .strictObject(keys)
      .refine((value) => Object.keys(value).length > 0, wanted)
      .optional()
      .describe('What must not be so.'),
  })
  .refine((value) => Object.keys(value).length > 0, wanted)
  .describe('What must be so, all of it; otherwise it is left out.')
  // One definition in a JSON schema that has it in each kind of step.
  .meta({ id: 'when' });

export interface FittedCondition {
  /** Absent when there are faults. */
  readonly when?: When;
  readonly faults: readonly Fault[];
}

const keysAt = createKeyFinder(whenSchema);

/** A condition with its placeholders filled in, or what is wrong with it then. */
export function fitCondition(written: unknown, values: Values): FittedCondition {
  const filled = fillValue(written, values);
  const parsed = whenSchema.safeParse(filled);
  if (parsed.success) return { when: parsed.data, faults: [] };
  return { faults: explainIssues(parsed.error.issues, filled, keysAt) };
}

/** Why a condition does not hold; undefined when it does. */
export function explainUnmet(when: When, facts: ImageFacts, values: Values): string | undefined {
  const { not, ...condition } = when;
  const unmet = findUnmet(condition, facts, values);
  if (unmet !== undefined) return unmet;
  if (not === undefined || findUnmet(not, facts, values) !== undefined) return undefined;
  return `excluded by ${describeCondition(not)}`;
}

function findUnmet(condition: Condition, facts: ImageFacts, values: Values): string | undefined {
  const { os, version, init, architecture, path = [], parameter = {} } = condition;
  const managers = condition['package-manager'];
  const { packageManagers } = facts;
  const missing = path.find((each) => !facts.has(each));
  const other = Object.entries(parameter).find(
    ([name, wantedValues]) => !hasValue(values, name, wantedValues),
  );
  if (os !== undefined && !os.includes(facts.os?.id ?? '')) return explain('os', facts.os?.id, os);
  if (version !== undefined && !isVersion(facts.os?.version ?? '', version))
    return explain('version', facts.os?.version, [version]);
  if (managers !== undefined && !managers.some((each) => packageManagers.includes(each)))
    return explain('package manager', packageManagers.join(' and '), managers);
  if (init !== undefined && !init.includes(facts.init ?? '')) return explain('init', facts.init, init);
  if (architecture !== undefined && !architecture.includes(facts.architecture ?? ''))
    return explain('architecture', facts.architecture, architecture);
  if (missing !== undefined) return `path: found no ${missing} in the image`;
  if (other === undefined) return undefined;
  const [name, wantedValues] = other;
  return explain(`parameter ${name}`, formatValue(values.get(name) ?? ''), wantedValues);
}

function explain(what: string, found: string | undefined, wantedValues: readonly string[]): string {
  return `${what}: found ${found || 'none'}, wanted ${wantedValues.map((each) => each || 'none').join(' or ')}`;
}

function hasValue(values: Values, name: string, wantedValues: readonly string[]): boolean {
  const value = values.get(name) ?? '';
  return wantedValues.some((each) => (typeof value === 'string' ? value === each : value.includes(each)));
}

function describeCondition(condition: Condition): string {
  return Object.entries(condition)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${describeWanted(value)}`)
    .join(', ');
}

function describeWanted(value: unknown): string {
  if (Array.isArray(value)) return value.map((each) => each || 'none').join(' or ');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([name, each]) => `${name} ${describeWanted(each)}`)
    .join(', ');
}

interface Comparison {
  /** Empty for the version itself, or its beginning. */
  readonly sign: string;
  readonly bound: readonly number[];
}

/** Undefined for what is no list of comparisons. One word after the other, so that the work grows with the text. */
function parseComparisons(text: string): readonly Comparison[] | undefined {
  const words = text
    .replace(/([<>]=?)\s+/g, '$1')
    .trim()
    .split(/\s+/);
  const comparisons = words.flatMap((word): Comparison[] => {
    const [, sign = '', version] = /^([<>]=?)?(\d+(?:\.\d+)*)$/.exec(word) ?? [];
    return version === undefined ? [] : [{ sign, bound: version.split('.').map(Number) }];
  });
  return comparisons.length === words.length ? comparisons : undefined;
}

/** Whether a version fits all comparisons. */
function isVersion(found: string, comparisons: string): boolean {
  const parts = parseVersion(found);
  if (parts === undefined) return false;
  return (parseComparisons(comparisons) ?? []).every(({ sign, bound }) => {
    const order = compare(parts, bound);
    if (sign === '') return compare(parts.slice(0, bound.length), bound) === 0;
    if (sign === '>=') return order >= 0;
    if (sign === '<=') return order <= 0;
    return sign === '>' ? order > 0 : order < 0;
  });
}

function parseVersion(text: string): number[] | undefined {
  const numbers = /^v?(\d+(?:\.\d+)*)/.exec(text)?.[1];
  return numbers?.split('.').map(Number);
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
