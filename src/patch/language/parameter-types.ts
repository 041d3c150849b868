import { isIP } from 'node:net';
import type { Parameter } from '../../model/patch/patch.js';
import { explainSystemPath, hostNamePattern } from '../steps/schemas.js';
import type { Value } from './expressions.js';

export const parameterTypes = ['text', 'number', 'boolean', 'list', 'path', 'port', 'host'] as const;

interface TypeRule {
  readonly wanted: string;
  readonly admits: (text: string) => boolean;
}

const rules: Readonly<Record<(typeof parameterTypes)[number], TypeRule>> = {
  text: { wanted: 'a text', admits: () => true },
  // A `run` step gets an entry a line.
  list: {
    wanted: 'a list: entries of one line with commas between them',
    admits: (text) => !/[\r\n]/.test(text),
  },
  number: { wanted: 'a number', admits: (text) => /^-?\d{1,15}(\.\d{1,15})?$/.test(text) },
  boolean: { wanted: 'true or false', admits: (text) => text === 'true' || text === 'false' },
  path: {
    wanted: 'a path of the running system: a / in front, and no ".." in it',
    admits: (text) => explainSystemPath(text) === undefined,
  },
  port: {
    wanted: 'a port: a whole number from 1 to 65535',
    admits: (text) => /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65535,
  },
  host: {
    wanted: 'a host: a name or an IP address',
    admits: (text) =>
      text.length <= 253 && (hostNamePattern.test(text) || isIP(text.replace(/^\[(.*)\]$/, '$1')) > 0),
  },
};

type Typed = Pick<Parameter, 'type' | 'default'>;

/** The declared type, or that of the default. */
export function typeOf({ type, default: value }: Typed): NonNullable<Parameter['type']> {
  return type ?? (Array.isArray(value) ? 'list' : 'text');
}

/** What a text of the command line or the configuration stands for. */
export function parseValue(text: string, parameter: Typed): Value {
  if (typeOf(parameter) !== 'list') return text;
  return text === '' ? [] : text.split(',').map((entry) => entry.trim());
}

/** What is wanted in the place of this text; undefined when it is of the type. */
export function explainType(text: string, parameter: Typed): string | undefined {
  const { wanted, admits } = rules[typeOf(parameter)];
  return admits(text) ? undefined : wanted;
}
