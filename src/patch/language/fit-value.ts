import type { Issue } from '../../yaml/describe-issue.js';
import { explainIssues, type Fault } from '../../yaml/schema-issues.js';
import type { StepDefinition } from '../steps/definition.js';
import { formatValue, type Values } from './expressions.js';
import { fillValue } from './placeholders.js';

export interface FittedValue {
  /** The value with its placeholders filled in. */
  readonly filled: unknown;
  /** What the schema makes of it; absent when there are faults. */
  readonly value?: unknown;
  readonly faults: readonly Fault[];
}

/**
 * Fills in the placeholders of a step's value. A text that is one placeholder and nothing else becomes the number, the
 * truth value or the text that belongs in its place.
 */
export function fitValue(definition: StepDefinition, written: unknown, values: Values): FittedValue {
  const first = fillValue(written, values);
  const result = definition.schema.safeParse(first);
  if (result.success) return { filled: first, value: result.data, faults: [] };
  const filled = adjustTypes(first, written, result.error.issues);
  const again = definition.schema.safeParse(filled);
  if (again.success) return { filled, value: again.data, faults: [] };
  return { filled, faults: explainIssues(again.error.issues, filled, definition.keysAt) };
}

function adjustTypes(filled: unknown, written: unknown, issues: readonly Issue[]): unknown {
  let value = filled;
  for (const issue of issues) {
    if (issue.code !== 'invalid_type' || !isPlaceholder(findIn(written, issue.path))) continue;
    const found = findIn(filled, issue.path);
    const adjusted = adjustType(found, issue.expected);
    if (adjusted !== found) value = replaceIn(value, issue.path, adjusted);
  }
  return value;
}

function isPlaceholder(text: unknown): boolean {
  return typeof text === 'string' && /^\$\{[^}]*\}$/.test(text);
}

function adjustType(found: unknown, wanted: string): unknown {
  if (wanted === 'string' && Array.isArray(found)) return formatValue(found);
  if (typeof found !== 'string') return found;
  if (wanted === 'boolean' && /^(true|false)$/.test(found)) return found === 'true';
  if ((wanted === 'number' || wanted === 'int') && /^-?\d{1,15}(\.\d+)?$/.test(found)) return Number(found);
  return found;
}

function findIn(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) found = (found as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return found;
}

function replaceIn(value: unknown, [key, ...rest]: readonly PropertyKey[], by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value))
    return value.map((item, index) => (index === key ? replaceIn(item, rest, by) : item));
  const map = value as Record<PropertyKey, unknown>;
  return { ...map, [key]: replaceIn(map[key], rest, by) };
}
