import { formatJson } from '../../format/show-text.js';
import type { OverlaysReport } from '../../model/result/overlays.js';
import type { Renderers } from '../renderers.js';

/** What is known of the base, and of the overlays behind it. */
export function renderOverlays({ base, overlays, written, durationMs }: OverlaysReport): string[] {
  const done = overlays.filter(({ error }) => error === undefined);
  const compared = done.filter(({ checks }) => checks?.whole === 'compared').length;
  const booted = done.filter(({ checks }) => checks?.boot === 'passed').length;
  const failed = overlays.length - done.length;
  const [first] = done;
  return [
    `base      ${base.name} (sha256 ${base.sha256.slice(0, 16)}), boot: ${base.verdict}`,
    `overlays  ${done.length} written${failed === 0 ? '' : `, ${failed} failed`}; all read back, ${compared} compared with a whole build, ${booted} booted`,
    ...(first === undefined ? [] : [`first     ${first.output}, ${first.size} bytes`]),
    `${written} bytes written in ${(durationMs / 1000).toFixed(1)} s`,
  ];
}

export const overlayRenderers: Renderers<OverlaysReport> = new Map([
  ['.json', (report) => `${formatJson(report)}\n`],
]);
