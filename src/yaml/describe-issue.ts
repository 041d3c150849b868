import type { z } from 'zod';
import type { ProblemCode } from './problem-code.js';

export type Issue = z.core.$ZodIssue;

/** A value in the words of a message, at most 80 characters. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty map' : 'a map';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

const typeNames: Readonly<Record<string, string>> = {
  null: 'nothing',
  string: 'a text',
  object: 'a map',
  record: 'a map',
  map: 'a map',
  array: 'a list',
  tuple: 'a list',
  set: 'a list',
  number: 'a number',
  int: 'a whole number',
  bigint: 'a whole number',
  boolean: 'true or false',
  undefined: 'nothing',
  nonoptional: 'a value',
  never: 'nothing',
  nan: 'a number',
  date: 'a date',
};

export function nameType(expected: string): string {
  return typeNames[expected] ?? 'another value';
}

/** What was wanted where the schema's own words do not say it. None of the library's words is shown. */
export function describeWanted(issue: Issue): string {
  // Messages of schemas begin with this word; those of the library do not.
  const own = /^(?:expected|wanted) (.*)$/s.exec(issue.message)?.[1];
  if (own !== undefined) return own;
  switch (issue.code) {
    case 'invalid_type':
      return nameType(issue.expected);
    case 'too_small':
      return describeBound(issue, 'least');
    case 'too_big':
      return describeBound(issue, 'most');
    case 'invalid_value':
      return issue.values.map((value) => JSON.stringify(value)).join(' or ');
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return describeFormat(issue);
    default:
      return 'another value';
  }
}

type BoundIssue = Extract<Issue, { code: 'too_small' | 'too_big' }>;

function describeBound(issue: BoundIssue, end: 'least' | 'most'): string {
  const limit = Number(issue.code === 'too_small' ? issue.minimum : issue.maximum);
  const count = (one: string, many: string) => `${limit} ${limit === 1 ? one : many}`;
  const size = issue.exact ? 'exactly' : `at ${end}`;
  switch (issue.origin) {
    case 'string':
      return limit === 1 && end === 'least'
        ? 'a text that is not empty'
        : `${size} ${count('character', 'characters')}`;
    case 'array':
    case 'set':
      return `${size} ${count('entry', 'entries')}`;
    default:
      if (issue.inclusive === false) return `a number ${end === 'least' ? 'above' : 'below'} ${limit}`;
      return `a number of ${size} ${limit}`;
  }
}

const formatNames: Readonly<Record<string, string>> = {
  email: 'an e-mail address',
  url: 'an address such as https://example.com',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  uuid: 'a UUID',
  date: 'a date',
  datetime: 'a time',
};

function describeFormat(issue: Extract<Issue, { code: 'invalid_format' }>): string {
  if (issue.format === 'regex') return `a text that matches ${issue.pattern ?? 'a pattern'}`;
  const { prefix, suffix, includes } = issue as {
    readonly prefix?: string;
    readonly suffix?: string;
    readonly includes?: string;
  };
  if (prefix !== undefined) return `a text that begins with ${JSON.stringify(prefix)}`;
  if (suffix !== undefined) return `a text that ends with ${JSON.stringify(suffix)}`;
  if (includes !== undefined) return `a text with ${JSON.stringify(includes)} in it`;
  return formatNames[issue.format] ?? 'a text of another form';
}

/** What was found, with its size where the size is at fault. */
export function describeFound(issue: Issue, found: unknown): string {
  if (issue.code !== 'too_big' && issue.code !== 'too_small') return describeValue(found);
  if (typeof found === 'string' && found.length > 0)
    return `a text of ${found.length} ${found.length === 1 ? 'character' : 'characters'}`;
  if (Array.isArray(found) && found.length > 0)
    return `a list of ${found.length} ${found.length === 1 ? 'entry' : 'entries'}`;
  return describeValue(found);
}

export function codeOf(issue: Issue, found: unknown): ProblemCode {
  if (issue.code === 'invalid_type') return found === undefined ? 'key-missing' : 'type-wrong';
  return 'value-wrong';
}

const typeHints: Readonly<Record<string, string>> = {
  'a text': 'write a text; in quotes: a number, true and false, and what has ": " or " #" in it',
  'a number': 'write a number, without quotes',
  'a whole number': 'write a whole number, without quotes',
  'true or false': 'write true or false, without quotes',
};

/** What helps against a wrong type; undefined where the hint of its code says it. */
export function hintOf(issue: Issue, found: unknown): string | undefined {
  if (issue.code !== 'invalid_type' || found === undefined) return undefined;
  return typeHints[nameType(issue.expected)];
}
