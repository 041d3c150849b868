import type { Bench, Row } from '../row.js';
import { listBootRows } from './boots.js';
import { listCodecRows } from './codecs.js';
import { listDockerRows } from './docker.js';
import { listLargeRows } from './large.js';
import { listOverlayRows } from './overlays.js';
import { listReadingRows } from './reading.js';
import { listStartRows } from './start.js';
import { listUnpackingRows } from './unpacking.js';
import { listWrapperRows } from './wrappers.js';
import { listWritingRows } from './writing.js';

export function listRows(bench: Bench): readonly Row[] {
  return [
    listStartRows,
    listReadingRows,
    listUnpackingRows,
    listWritingRows,
    listOverlayRows,
    listWrapperRows,
    listDockerRows,
    listBootRows,
    listLargeRows,
    listCodecRows,
  ].flatMap((list) => list(bench));
}
