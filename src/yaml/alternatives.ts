import type { Issue } from './describe-issue.js';

/** What `refine` gets for a rule that wants some of several keys. */
export interface AlternativesRule {
  readonly error: string;
  readonly params: { readonly alternatives: readonly string[] };
}

export function describeAlternatives(
  wanted: 'one' | 'at least one',
  keys: readonly string[],
): AlternativesRule {
  const names = keys.map((key) => `"${key}"`);
  const list = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  return { error: `expected ${wanted} of ${list}`, params: { alternatives: keys } };
}

/** The keys of a rule that wants some of several; empty for any other issue. */
export function listAlternatives(issue: Issue): readonly string[] {
  return (issue.code === 'custom' && (issue.params as AlternativesRule['params'])?.alternatives) || [];
}
