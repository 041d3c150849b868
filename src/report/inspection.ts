import { showPath } from '../format/path.js';
import type { Hazard } from '../model/hazard.js';
import type { Layout } from '../model/layout.js';
import { listSegments, segmentColumns, segmentNumbers } from './segments.js';
import { formatTable } from './table.js';

/** What `inspect` prints: the layout at the top level, then the system in the image and its hazards. */
export interface Inspection extends Layout {
  readonly system: {
    readonly os?: { readonly name: string; readonly version: string } | undefined;
    readonly packageManagers: readonly string[];
    readonly init?: string | undefined;
    readonly modules: readonly string[];
  };
  readonly hazards: readonly Hazard[];
  readonly dropped: readonly { readonly name: string; readonly segment: number; readonly reason: string }[];
}

export function renderInspection(name: string, inspection: Inspection): string[] {
  const { size, sha256, system, hazards, dropped } = inspection;
  const rows = listSegments(inspection).map((row) => row.map(String));
  const list = (values: readonly string[]) => (values.length === 0 ? 'none' : values.join(', '));
  return [
    `${name}: ${size} bytes, sha256 ${sha256}`,
    ...formatTable([segmentColumns, ...rows], segmentNumbers),
    '',
    `os        ${system.os?.name || 'unknown (no etc/os-release)'}`,
    `packages  ${list(system.packageManagers)}`,
    `init      ${system.init ?? 'unknown'}`,
    `modules   ${list(system.modules)}`,
    `hazards   ${hazards.length === 0 ? 'none found' : ''}`.trimEnd(),
    ...hazards.flatMap(renderHazard),
    ...dropped.map(
      (each) => `a kernel drops ${showPath(each.name)} (segment ${each.segment}): ${each.reason}`,
    ),
  ];
}

export function renderHazard({ code, severity, path, message, hint }: Hazard): string[] {
  const place = path === '' ? '' : `${showPath(path)}: `;
  return [`  ${severity.padEnd(7)} ${place}${message} [${code}]`, `          try: ${hint}`];
}
