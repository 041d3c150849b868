import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import type { BuildRequest } from '../../model/build.js';
import type { FileMark } from '../../model/deployment.js';
import type { OverlayChecks, OverlayResult } from '../../model/result/overlays.js';
import type { Session } from '../../model/session.js';
import { checkRecords } from './check-records.js';
import { describeOverlay } from './describe-overlay.js';
import { makeOverlay, type Overlay } from './make-overlay.js';
import type { Base } from './open-base.js';
import type { PlacedFile, StagedFile, Staging } from './place-overlays.js';
import type { PreparedRow } from './prepare-rows.js';
import { buildWhole, describeShape } from './prove-shape.js';

export interface OverlayWorkOptions {
  readonly base: Base;
  readonly request: BuildRequest;
  readonly session: Session;
  /** Names of the machines that are booted. */
  readonly booted: ReadonlySet<string>;
}

/** A machine's file, written and read back, before anything else is known of it. */
export interface WrittenOverlay {
  readonly row: PreparedRow;
  readonly overlay: Overlay;
  readonly mark: FileMark;
  readonly file: StagedFile;
  readonly written: number;
}

export interface MadeOverlay {
  readonly files: readonly PlacedFile[];
  readonly written: number;
  readonly result: Pick<OverlayResult, 'sha256' | 'size' | 'checks'>;
}

export interface OverlayWork {
  /** Errors: those of `makeOverlay` and `checkRecords`. */
  write(row: PreparedRow, staging: Staging): Promise<WrittenOverlay>;
  /**
   * Begins the proof by a whole build, for the first machine of each shape and for those that are booted: called in the order of the
   * table, so that the same table has the same proofs.
   */
  prove(written: WrittenOverlay): Promise<string>;
  /** With the manifest. `whole`: the machine that was built as a whole. */
  finish(written: WrittenOverlay, whole: string, staging: Staging): Promise<MadeOverlay>;
}

/** Bytes that are read without giving others a turn. */
const largestAtOnce = 2 ** 20;

export function createOverlayWork({ base, request, session, booted }: OverlayWorkOptions): OverlayWork {
  /** Shape -> the machine with which it was built as a whole. */
  const proven = new Map<string, Promise<string>>();
  // A boot takes the memory of a machine.
  const single = pLimit(1);
  const isOverlay = request.as === 'overlay';

  return {
    async write(row, staging) {
      const { name } = row;
      const overlay = await makeOverlay(base, row, { request, session });
      const { bytes, records } = overlay;
      const archive = await staging.write(`${name}.archive`, bytes);
      const isSmall = base.codec === 'none' && bytes.length <= largestAtOnce;
      await checkRecords(archive.path, records, { name, signal: session.signal, isSmall });
      if (isOverlay) {
        const mark = { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
        return { row, overlay, mark, file: archive, written: archive.written };
      }
      const behind = Buffer.concat([new Uint8Array(base.joint), bytes]);
      const file = await staging.write(`${name}.image`, behind, request.image);
      const sha256 = (await base.hash()).update(bytes).digest('hex');
      const mark = { sha256, size: base.image.layout.size + behind.length };
      return { row, overlay, mark, file, written: archive.written + file.written };
    },

    prove({ row, overlay, mark: { sha256 } }) {
      const boots = booted.has(row.name);
      const shape = describeShape(overlay.changes, row);
      const known = boots ? undefined : proven.get(shape);
      if (known !== undefined) return known;
      const proof = single(() => buildWhole({ request, row, base, sha256, boots }, session)).then(
        () => row.name,
      );
      // Who waits for it sees the failure.
      proof.catch(() => {});
      if (!proven.has(shape)) proven.set(shape, proof);
      return proof;
    },

    async finish({ row: { name, output }, overlay, mark, file, written }, whole, staging) {
      const checks: OverlayChecks = {
        records: overlay.records.length,
        changes: overlay.changes.length,
        whole: whole === name ? 'compared' : whole,
        boot: booted.has(name) ? 'passed' : 'not booted',
      };
      const described = describeOverlay({
        overlay,
        output: { path: output, ...mark },
        base: base.proof,
        checks,
      });
      const manifest = await staging.write(`${name}.manifest`, Buffer.from(described));
      return {
        files: [
          { path: file.path, destination: output },
          { path: manifest.path, destination: `${output}.manifest.json` },
        ],
        written: written + manifest.written,
        result: { ...mark, checks },
      };
    },
  };
}
