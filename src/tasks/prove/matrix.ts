import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { shortNames } from '../../format/short-names.js';
import { createErrorReport, MobyPatchError } from '../../model/error/error.js';
import type { Patch } from '../../model/patch/patch.js';
import type { Matrix, MatrixCell } from '../../model/result/matrix.js';
import type { Session } from '../../model/session.js';
import { checkSettings } from '../../patch/language/parameters.js';
import { assertNoFaults, type BuildArguments, createBuildRequest } from '../../setup/build-request.js';
import { keepKnown } from '../../setup/choose-settings.js';
import { loadNamedPatches } from '../../setup/named-patches.js';
import { placesOf } from '../../setup/reading-session.js';
import { silence } from '../../setup/silence.js';
import { findPlan, proveBuild } from './prove-build.js';

export interface MatrixRequest {
  readonly images: readonly string[];
  /** Of the images, in their order; one is for all, and none is what lies beside each. */
  readonly kernels: readonly string[];
  /** Sets of patches. */
  readonly rows: readonly (readonly string[])[];
  /** Everything else, the same for all cells. */
  readonly build: BuildArguments;
}

/** Guests that boot at once: each has one processor. */
const mostAtOnce = 2;

/** The session of one cell among several at a time: each line of its log begins with its name. */
function createNamed(name: string, session: Session): Session {
  const log = (line: string) => session.log(`${name}: ${line}`);
  const showLine = (line: string) => session.showLine?.(`${name}: ${line}`);
  return { ...silence(session), log, showLine };
}

/** Every set of patches in every image: a build with a boot each, unless an earlier run has proven the same. */
export async function proveMatrix(
  request: MatrixRequest,
  session: Session,
  prove: typeof proveBuild = proveBuild,
): Promise<Matrix> {
  const { images, kernels, rows } = request;
  if (images.length === 0 || rows.length === 0) {
    const what = images.length === 0 ? 'image' : 'patch';
    throw new MobyPatchError('invalid', 'matrix-empty', `a table of verdicts needs at least one ${what}`, {
      hint: 'moby-patch matrix -i IMAGE -i IMAGE -p PATCH -p PATCH',
    });
  }
  if (kernels.length > 1 && kernels.length !== images.length)
    throw new MobyPatchError(
      'invalid',
      'matrix-kernels',
      `found ${kernels.length} kernels for ${images.length} images, wanted one for all, or one for each in the same order`,
      { hint: '-i A -i B --kernels KERNEL-OF-A --kernels KERNEL-OF-B' },
    );
  const atOnce = Math.min(mostAtOnce, availableParallelism());
  const digests = new Map<string, string>();
  const names = shortNames(images);
  const loaded = await loadRows(request, session);
  const proveAt = async (row: number, column: number): Promise<MatrixCell> => {
    session.signal.throwIfAborted();
    const [patches = [], image = ''] = [rows[row], images[column]];
    const name = `${patches.join('+')} in ${names[column]}`;
    session.log(name);
    const kernel = kernels.length > 1 ? kernels[column] : kernels[0];
    const build = keepDeclared(request.build, loaded[row]);
    const own = atOnce === 1 ? session : createNamed(name, session);
    const cell = await proveCell({ build, image, patches, kernel, digests, prove }, own);
    session.log(`${name}: ${cell.state}`);
    return cell;
  };
  const limit = pLimit(atOnce);
  const places = rows.flatMap((_, row) => images.map((_, column) => ({ row, column })));
  // When one cell throws, the others end first: they have folders and guests.
  const settled = await Promise.allSettled(
    places.map(({ row, column }) => limit(() => proveAt(row, column))),
  );
  const cells = settled.map((each) => {
    if (each.status === 'rejected') throw each.reason;
    return each.value;
  });
  const boots = cells.filter(({ proof }) => proof?.seconds !== undefined && !proof.remembered).length;
  return { version: 1, images, rows, cells, boots };
}

/**
 * The patches of each row; undefined for a row whose patches cannot be read: its cells say why. Error: `setting-unknown`,
 * for a setting that no row declares.
 */
async function loadRows(
  { rows, build }: MatrixRequest,
  { places }: Session,
): Promise<readonly (readonly Patch[] | undefined)[]> {
  const { folder } = places;
  const roots = placesOf(folder, places).patches;
  const loaded = await Promise.all(rows.map((names) => loadNamedPatches(names, { from: folder, roots })));
  const whole = loaded.map(({ patches, faults }) => (faults.length === 0 ? patches : undefined));
  if (!whole.includes(undefined))
    checkSettings(
      loaded.flatMap(({ patches }) => patches),
      build.settings ?? {},
    );
  return whole;
}

/** Settings and secrets go to the rows that declare them. */
function keepDeclared(build: BuildArguments, patches: readonly Patch[] | undefined): BuildArguments {
  const { settings, secrets } = build;
  if (patches === undefined) return build;
  return {
    ...build,
    ...(settings && { settings: keepKnown(settings, patches) }),
    ...(secrets && { secrets: keepKnown(secrets, patches) }),
  };
}

interface CellRequest extends Pick<MatrixRequest, 'build'> {
  readonly image: string;
  readonly patches: readonly string[];
  readonly kernel: string | undefined;
  readonly digests: Map<string, string>;
  readonly prove: typeof proveBuild;
}

/** What a patch or an image is at fault for is the state of its cell; an abort ends all of them. */
async function proveCell(
  { build: rest, image, patches, kernel, digests, prove }: CellRequest,
  session: Session,
): Promise<MatrixCell> {
  const cell = { image, patches };
  try {
    const wanted = { ...rest, image, patches, config: false as const, ...(kernel && { kernel }) };
    const build = await createBuildRequest({ ...wanted, writes: false }, session);
    assertNoFaults(build);
    const { plan } = await findPlan(build, session);
    if (plan.steps.length === 0) return { ...cell, state: 'no effect' };
    const proof = await prove(build, session, { kernels: digests });
    return { ...cell, state: proof.verdict, proof };
  } catch (error) {
    if (session.signal.aborted) throw error;
    return { ...cell, state: 'error', error: createErrorReport(error) };
  }
}
