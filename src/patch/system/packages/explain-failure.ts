import type { PackageManager } from './manager.js';

/** Why a package manager failed. */
export interface PackageFailure {
  /** What it printed of that, without its progress. */
  readonly output: string;
  readonly hint: string | undefined;
}

/** What to show of a failed installation, and what helps. */
export function explainFailure(
  { causes, progress, sources }: Pick<PackageManager, 'causes' | 'progress' | 'sources'>,
  output: string,
): PackageFailure {
  const found = causes
    .map(({ sign, hint }) => ({ match: sign.exec(output), hint }))
    .find(({ match }) => match !== null);
  const kept = `${output}\n`.replace(progress, '').trimEnd();
  return {
    output: kept === '' ? output : kept,
    hint: found?.match ? found.hint(found.match, sources, output) : undefined,
  };
}
