import { basename } from 'node:path';
import { formatJson } from '../../format/show-text.js';
import type { FileMark } from '../../model/deployment.js';
import type { Manifest } from '../../model/result/manifest.js';
import type { OverlayBase, OverlayChecks } from '../../model/result/overlays.js';
import type { Overlay } from './make-overlay.js';

export interface OverlayDescription {
  readonly overlay: Overlay;
  readonly output: FileMark & { readonly path: string };
  readonly base: OverlayBase;
  readonly checks: OverlayChecks;
}

/**
 * The manifest of one machine. What is known of the base (`base`) and what was seen of the overlay (`checks`) stand apart; the verdict is
 * that on a boot of both together.
 */
export function describeOverlay({ overlay, output, base, checks }: OverlayDescription): string {
  const { plan, steps, changes } = overlay;
  const { size, sha256 } = output;
  const manifest: Manifest & { readonly base: OverlayBase; readonly checks: OverlayChecks } = {
    version: 1,
    input: { name: base.name, size: base.size, sha256: base.sha256 },
    output: { name: basename(output.path), size, sha256 },
    plan: plan.id,
    patches: plan.patches.map(({ id, title, sha256: digest, parameters }) => ({
      id,
      title,
      sha256: digest,
      parameters,
    })),
    packages: {},
    steps: steps.map(({ patch, summary }) => ({ patch, summary })),
    changes: changes.map((change) => {
      const path = change.op === 'put' ? change.entry.path : change.path;
      const writers = steps.flatMap(({ paths = [] }, index) => (paths.includes(path) ? [index] : []));
      return { path, change: change.op === 'put' ? 'changed' : 'removed', steps: writers };
    }),
    engine: 'stream',
    mode: 'append',
    verdict: checks.boot,
    warnings: [],
    base,
    checks,
  };
  return `${formatJson(manifest)}\n`;
}
