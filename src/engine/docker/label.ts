import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type ProcessRecord, recordProcess } from '../../io/process/process-record.js';

/** On every container of ours, and on every image that goes with it. */
export const labelKey = 'io.github.moby-patch';

/** On imports that stay for the next build; they have no owner. Its value names what was imported. */
export const importLabelKey = 'io.github.moby-patch.base';

/** Who made an object: `HOST/PID/RUN/BEGUN/BOOT/NAMESPACE`. */
export interface Owner extends ProcessRecord {
  readonly host: string;
  /** Different for every root that is started. */
  readonly run: string;
}

export function createOwner(): Owner {
  return { ...recordProcess(), host: hostname(), run: randomUUID() };
}

export function formatLabel(owner: Owner): string {
  const { host, pid, run, begun, boot, namespace } = owner;
  return [host, pid, run, begun, boot, namespace].join('/');
}

export function parseLabel(text: string): Owner | undefined {
  const [host, pid = '', run = '', begun = '', boot = '', namespace = '', ...rest] = text.split('/');
  const isLabel = /^[1-9][0-9]{0,9}$/.test(pid) && /^[0-9a-f-]{36}$/.test(run) && rest.length === 0;
  return host && isLabel ? { host, pid: Number(pid), run, begun, boot, namespace } : undefined;
}
