import type { BuildRequest } from '../../model/build.js';
import type { NamedOutput } from '../../model/place.js';
import type { BootResult } from '../../model/result/boot.js';
import { nameIn } from '../file/split-file.js';

/** Where it comes from, what was booted, and what is in it; endings of files beside the output. */
export const statementEndings = ['provenance.json', 'verdict.json', 'cdx.json'] as const;

export function nameManifest(output: string): string {
  return `${output}.manifest.json`;
}

export function nameConsole(output: string, verdict: BootResult['verdict']): string {
  return `${output}.${verdict === 'passed' ? '' : 'refused.'}console.log`;
}

type Written = Pick<BuildRequest, 'output' | 'split' | 'provenance' | 'verify'>;

/** All that a build may write; `names`: those of the files of the image, where the output is a folder of them. */
export function listWritten(
  { output, split = false, provenance = false, verify }: Written,
  names: readonly string[],
): readonly NamedOutput[] {
  const whole = split ? names.map((name) => nameIn(output, name)) : [output];
  const consoles = (['passed', 'refused'] as const).map((verdict) => nameConsole(output, verdict));
  const statements = statementEndings.map((ending) => `${output}.${ending}`);
  const beside = [
    ...[nameManifest(output)],
    ...(verify === undefined ? [] : consoles),
    ...(provenance ? statements : []),
  ];
  return [
    ...whole.map((path) => ({ path })),
    ...beside.map((path) => ({ path, what: 'a file beside the output' })),
  ];
}
