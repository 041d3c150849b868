import { dirname, resolve } from 'node:path';
import { placeOf, placeOfOutput } from '../../io/place/real-place.js';
import { MobyPatchError } from '../../model/error/error.js';
import { outputOf, type Target } from './target.js';

/** For each target that is made from outputs of others: those. */
export type Makers = ReadonlyMap<Target, readonly Target[]>;

/** Which targets are made from what others of them write. Links are followed, and a file inside of a `split` folder counts. */
export function findMakers(targets: readonly Target[]): Makers {
  const written = new Map(targets.map((target) => [placeOfOutput(outputOf(target)), target]));
  const makers = new Map<Target, readonly Target[]>();
  for (const target of targets) {
    const found = listRead(target).flatMap((place) => findAbove(place, written) ?? []);
    // A target that would replace its own image is refused by its build.
    const others = [...new Set(found)].filter((each) => each !== target);
    if (others.length > 0) makers.set(target, others);
  }
  return makers;
}

/** Error (`invalid`): `targets-circle`. */
export function refuseCircle(makers: Makers): void {
  const done = new Set<Target>();
  for (const first of makers.keys()) {
    const circle = findCircle(first, makers, done);
    if (circle === undefined) continue;
    const names = circle.map(({ name }) => name);
    const message = `these targets are made from each other: ${[...names, names[0]].join(' from ')}`;
    throw new MobyPatchError('invalid', 'targets-circle', message, {
      path: circle[0]?.configuration.folder,
      hint: 'give one of them another image: in moby-patch.yaml',
    });
  }
}

/** The targets of a circle that can be reached; adds those from which none can. The walk keeps its own stack: chains may be long. */
function findCircle(first: Target, makers: Makers, done: Set<Target>): readonly Target[] | undefined {
  const path: Target[] = [];
  const open = new Set<Target>();
  const waiting: { readonly target: Target; readonly isLeft: boolean }[] = [{ target: first, isLeft: false }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { target, isLeft } = next;
    if (isLeft) {
      path.pop();
      open.delete(target);
      done.add(target);
      continue;
    }
    if (open.has(target)) return path.slice(path.indexOf(target));
    if (done.has(target)) continue;
    path.push(target);
    open.add(target);
    waiting.push({ target, isLeft: true });
    for (const maker of makers.get(target) ?? []) waiting.push({ target: maker, isLeft: false });
  }
  return undefined;
}

/** Where the files are that a target is made from; `FILE#ENTRY` is inside of FILE. */
function listRead({ configuration: { folder, values } }: Target): readonly string[] {
  const names = [values.image ?? [], values.kernel ?? []].flat();
  const files = names.flatMap((name) => (name.includes('#') ? [name, name.replace(/#[^#]*$/, '')] : [name]));
  return files.flatMap((name) => {
    const path = resolve(folder, name);
    // A link to an output leads to it; a link in the place of an output is replaced by it.
    return [placeOfOutput(path), placeOf(path)];
  });
}

/** What writes this file, or the folder that it is in. */
function findAbove(place: string, written: ReadonlyMap<string, Target>): Target | undefined {
  const direct = written.get(place);
  if (direct !== undefined) return direct;
  for (let at = dirname(place); at !== dirname(at); at = dirname(at)) {
    const target = written.get(at);
    if (target?.configuration.values.split !== undefined) return target;
  }
  return undefined;
}
