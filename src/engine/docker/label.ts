import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** On every container of ours, and on every image that goes with it. */
export const labelKey = 'io.github.moby-patch';

/** On imports that stay for the next build; they have no owner. Its value names what was imported. */
export const importLabelKey = 'io.github.moby-patch.base';

/** Who made an object: `HOST/PID/RUN`. */
export interface Owner {
  readonly host: string;
  readonly pid: number;
  /** Different for every root that is started. */
  readonly run: string;
}

export function createOwner(): Owner {
  return { host: hostname(), pid: process.pid, run: randomUUID() };
}

export function formatLabel(owner: Owner): string {
  return `${owner.host}/${owner.pid}/${owner.run}`;
}

export function parseLabel(text: string): Owner | undefined {
  const [, host, pid, run] = /^([^/]+)\/([1-9][0-9]{0,9})\/([0-9a-f-]{36})$/.exec(text) ?? [];
  return host === undefined || run === undefined ? undefined : { host, pid: Number(pid), run };
}
