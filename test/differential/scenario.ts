import { directory, type Member, node } from '../fixtures/archive.js';

/** Records of an image, segment by segment; every path is below a directory that the scenario is named after. */
export interface Scenario {
  readonly name: string;
  readonly segments: readonly (readonly Member[])[];
}

export const character = (name: string, fields: Partial<Member> = {}) => node(name, 0o020600, fields);
export const device = (major: number, minor: number) => ({ rdevmajor: major, rdevminor: minor });
export const long = (length: number) => 'n'.repeat(length);

/** A directory of the scenario's name first, then what is in it. */
export function scenario(name: string, ...segments: readonly (readonly Member[])[]): Scenario {
  const [first = [], ...rest] = segments.map((members) =>
    members.map((member) => ({ ...member, name: member.name.replaceAll('@', name) })),
  );
  return { name, segments: [[directory(name, { mtime: 1000 }), ...first], ...rest] };
}

export const link = (ino: number, fields: Partial<Member> = {}) => ({ ino, nlink: 2, ...fields });
