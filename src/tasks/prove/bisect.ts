import { resolve } from 'node:path';
import { readAccess } from '../../io/place/access-list.js';
import { copyIntoPlace } from '../../io/place/output.js';
import type { BuildRequest } from '../../model/build.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Patch } from '../../model/patch/patch.js';
import type { Bisection, BisectionTry, Proof } from '../../model/result/bisection.js';
import type { Session } from '../../model/session.js';
import { keepKnown } from '../../setup/choose-settings.js';
import { createUnbootedError, proveBuild } from './prove-build.js';

export interface BisectRequest {
  readonly build: BuildRequest;
  readonly unit: Bisection['unit'];
  /** Gets the console of the first image that was refused; only where it was booted now. */
  readonly console?: string | undefined;
}

/**
 * Finds the first patch or step with which the boot of an image is refused: all of them are tried, then half of what is
 * left each time. Where that is the first one, the stock image is tried as well. Errors: `bisect-nothing` (`invalid`) for no patches,
 * `bisect-stock` (`boot`) for a stock image that is refused, those of a build. `prove` tries one image.
 */
export async function bisect(
  { build, unit, console }: BisectRequest,
  session: Session,
  prove: typeof proveBuild = proveBuild,
): Promise<Bisection> {
  if (build.verify === undefined) throw createUnbootedError();
  const units = listUnits(build.patches, unit);
  if (units.length === 0)
    throw new MobyPatchError('invalid', 'bisect-nothing', `there is no ${unit} to look for`, {
      hint: 'name the patches as for a build: moby-patch bisect -i IMAGE -p PATCH -p PATCH',
    });
  const kernels = new Map<string, string>();
  const tries: BisectionTry[] = [];
  const attempt = async (count: number): Promise<Proof> => {
    session.onStage('configure');
    session.log(`the image ${describeCount(count, units.length)} ${unit === 'patch' ? 'patches' : 'steps'}`);
    const onConsole = async (proof: Proof, file: string) => {
      if (console === undefined || proof.verdict === 'passed') return;
      const inputs = [await readAccess(build.image)];
      await copyIntoPlace(file, {
        destination: resolve(session.places.folder, console),
        inputs,
        signal: session.signal,
      });
    };
    const proof = await prove(takeFirst(build, unit, count), session, { kernels, onConsole });
    tries.push({ count, ...proof });
    session.log(describeTry(proof));
    return proof;
  };
  const found = await search(units.length, attempt);
  if (found?.number === 1) assertStock(build, await attempt(0));
  const boots = tries.filter(({ remembered, seconds }) => !remembered && seconds !== undefined).length;
  const base = { version: 1 as const, image: build.name, unit, units, tries, boots };
  if (found === undefined) return base;
  const { number, reason } = found;
  return { ...base, culprit: { number, name: units[number - 1] ?? '', reason } };
}

function describeCount(count: number, whole: number): string {
  if (count === 0) return `without any of the ${whole}`;
  return count === whole ? `with all ${whole}` : `with the first ${count} of ${whole}`;
}

/** `bisect-stock` (`boot`): what is refused without a patch is the fault of none. */
function assertStock({ name, verify }: BuildRequest, { verdict, reason }: Proof): void {
  if (verdict === 'passed') return;
  const kernel = verify === undefined || verify.kernelIsPart ? '' : ` --kernel ${verify.kernel}`;
  throw new MobyPatchError(
    'boot',
    'bisect-stock',
    `the stock image is refused as well, so no patch is to blame: ${reason}`,
    {
      path: name,
      hint: `find terms that the stock image meets: moby-patch verify ${name}${kernel} --expect REGEX (docs/verification.md)`,
    },
  );
}

function describeTry({ verdict, reason, remembered }: Proof): string {
  return `${verdict}${reason === undefined ? '' : `: ${reason}`}${remembered ? ' (remembered)' : ''}`;
}

/** The smallest count that is refused; undefined where the whole passes. The count of 0 is taken to pass. */
async function search(
  whole: number,
  attempt: (count: number) => Promise<Proof>,
): Promise<{ readonly number: number; readonly reason: string } | undefined> {
  let { verdict, reason = '' } = await attempt(whole);
  if (verdict === 'passed') return undefined;
  let good = 0;
  let bad = whole;
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    const proof = await attempt(middle);
    ({ verdict } = proof);
    if (verdict === 'passed') good = middle;
    else [bad, reason] = [middle, proof.reason ?? ''];
  }
  return { number: bad, reason };
}

function listUnits(patches: readonly Patch[], unit: Bisection['unit']): string[] {
  if (unit === 'patch') return patches.map(({ id }) => id);
  return patches.flatMap(({ id, steps }) =>
    steps.map(({ kind, at }) => `${id}: ${kind} (${at.file}:${at.line})`),
  );
}

/** The same build with the first patches or steps. What a patch expects holds once all of its steps are there. */
function takeFirst(request: BuildRequest, unit: Bisection['unit'], count: number): BuildRequest {
  const patches = unit === 'patch' ? request.patches.slice(0, count) : takeSteps(request.patches, count);
  const settings = keepKnown(request.settings, patches);
  const ids = new Set(patches.map(({ id }) => id));
  const secrets = request.secrets?.filter(({ patch }) => ids.has(patch));
  const { lock: _, ...rest } = request;
  return { ...rest, patches, settings, ...(secrets && { secrets }), twice: false, compareStock: false };
}

function takeSteps(patches: readonly Patch[], count: number): Patch[] {
  const taken: Patch[] = [];
  let left = count;
  for (const patch of patches) {
    if (left <= 0) break;
    const steps = patch.steps.slice(0, left);
    taken.push(steps.length === patch.steps.length ? patch : { ...patch, steps, expects: [] });
    left -= steps.length;
  }
  return taken;
}
