import type { Hazard } from '../../model/result/hazard.js';
import { parentPath, trimSlashes } from '../../tree/resolve.js';
import type { Facts } from './facts.js';
import { listServices } from './openrc.js';

// Places that every boot mounts over, and where images have nothing but mount points.
const usual = new Set(['proc', 'sys', 'dev', 'dev/pts', 'dev/shm', 'run', 'tmp', 'mnt', '']);

/** Files of the image that a mount hides, such as Moby's disk on /var. */
export function findShadowed(facts: Facts): Hazard[] {
  const mounts = [...listScriptMounts(facts), ...listTableMounts(facts)];
  const byPlace = new Map(mounts.map((mount) => [mount.place, mount]));
  for (const place of usual) byPlace.delete(place);
  const counts = countFiles(facts, byPlace);
  return [...byPlace.values()].flatMap(({ place, by }) => {
    const hidden = counts.get(place) ?? 0;
    if (hidden === 0) return [];
    return [
      {
        code: 'path-shadowed',
        severity: 'warning',
        path: place,
        message: `${by} mounts over /${place}: the ${hidden} files that the image has there may be hidden at run time`,
        hint: `put files that the running system needs outside of /${place}`,
      },
    ];
  });
}

/** How many files are below each of these places: one look at each entry, however many places there are. */
function countFiles(
  { image }: Facts,
  places: Pick<ReadonlyMap<string, unknown>, 'has' | 'size'>,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  /** Directory -> the places at and above it. Parents come first. */
  const above = new Map<string, readonly string[]>();
  for (const { path, type } of places.size === 0 ? [] : image.entries.values()) {
    const outside = above.get(parentPath(path)) ?? [];
    if (type === 'directory') above.set(path, places.has(path) ? [path, ...outside] : outside);
    else for (const place of outside) counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  return counts;
}

interface Mount {
  readonly place: string;
  readonly by: string;
}

/** Scripts are not run: only a `mount` that names /var literally is found. */
function listScriptMounts(facts: Facts): Mount[] {
  return listServices(facts)
    .filter((path) => facts.text(path).split('\n').some(mountsVar))
    .map((path) => ({ place: 'var', by: `the service ${path.slice(path.lastIndexOf('/') + 1)}` }));
}

/** A longer line is no command of a person, and would take the square of its length. */
const longestLine = 300;

function mountsVar(line: string): boolean {
  const [code = ''] = line.split('#', 1);
  return code.length <= longestLine && /\bmount\b.*[ \t]["']?\/var\/?["']?[ \t]*(?:$|[;&|])/.test(code);
}

function listTableMounts(facts: Facts): Mount[] {
  return facts
    .text('etc/fstab')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([device, place, , options = '']) => {
      const isLine = device !== undefined && !device.startsWith('#') && place?.startsWith('/');
      return isLine && !options.split(',').includes('noauto');
    })
    .map(([, place = '']) => ({ place: trimSlashes(place), by: 'a line of etc/fstab' }));
}
