import type { Attestation } from '../../../model/result/attestation.js';
import type { AttestedPath } from './attested-line.js';
import { compareAttested, type ExpectedPath } from './compare-attested.js';

type AttestMarker =
  | { readonly kind: 'attest'; readonly found: AttestedPath }
  | { readonly kind: 'attested'; readonly count: number };

export interface AttestationWatch {
  see(marker: AttestMarker, seconds: number): void;
  /** When the guest had told all of its root, if it has. */
  doneAt(): number | undefined;
  /** Held against the image; undefined where lines are missing. */
  result(wanted: ReadonlyMap<string, ExpectedPath>): Attestation | undefined;
  /** How many paths were told so far, and how many there are, where that is known. */
  progress(): { readonly told: number; readonly count?: number | undefined };
}

/** A hostile guest must not fill the memory. */
const mostPaths = 2_000_000;

/** Collects what a guest tells of its root. After the last line it can add nothing: programs of the image run then. */
export function createAttestationWatch(): AttestationWatch {
  const told = new Map<number, AttestedPath>();
  let end: { readonly count: number; readonly at: number } | undefined;
  const isWhole = () => end !== undefined && told.size === end.count;
  return {
    see(marker, seconds) {
      if (end !== undefined) return;
      if (marker.kind === 'attested') end = { count: marker.count, at: seconds };
      else if (told.size < mostPaths) told.set(marker.found.number, marker.found);
    },
    doneAt: () => (isWhole() ? end?.at : undefined),
    result(wanted) {
      if (end === undefined || !isWhole()) return undefined;
      const all = [...told.values()];
      const bytes = all.reduce((sum, { size, sha256 }) => sum + (sha256 === undefined ? 0 : size), 0);
      return { paths: all.length, bytes, seconds: end.at, ...compareAttested(wanted, all) };
    },
    progress: () => ({ told: told.size, count: end?.count }),
  };
}
