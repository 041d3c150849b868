import type { Hazard } from '../../model/hazard.js';
import { isBelow } from '../../tree/resolve.js';
import type { Facts } from './facts.js';
import { listServices } from './openrc.js';

// Places that every boot mounts over, and where images have nothing but mount points.
const usual = new Set(['proc', 'sys', 'dev', 'dev/pts', 'dev/shm', 'run', 'tmp', 'mnt', '']);

/** Files of the image that a mount hides, such as Moby's disk on /var. */
export function findShadowed(facts: Facts): Hazard[] {
  const mounts = [...listScriptMounts(facts), ...listTableMounts(facts)];
  const byPlace = new Map(mounts.map((mount) => [mount.place, mount]));
  return [...byPlace.values()].flatMap(({ place, by }) => {
    const hidden = [...facts.image.entries.values()].filter(
      ({ path, type }) => type !== 'directory' && isBelow(path, place),
    );
    if (hidden.length === 0 || usual.has(place)) return [];
    return [
      {
        code: 'path-shadowed',
        severity: 'warning',
        path: place,
        message: `${by} mounts over /${place}: the ${hidden.length} files that the image has there may be hidden at run time`,
        hint: `put files that the running system needs outside of /${place}`,
      },
    ];
  });
}

interface Mount {
  readonly place: string;
  readonly by: string;
}

/** Scripts are not run: only a `mount` that names /var literally is found. */
function listScriptMounts(facts: Facts): Mount[] {
  return listServices(facts)
    .filter((path) =>
      /^[^#\n]*\bmount\b[^#\n]*[ \t]["']?\/var\/?["']?[ \t]*(?:$|[;&|\n])/m.test(facts.text(path)),
    )
    .map((path) => ({ place: 'var', by: `the service ${path.slice(path.lastIndexOf('/') + 1)}` }));
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
    .map(([, place = '']) => ({ place: place.replace(/^\/+|\/+$/g, ''), by: 'a line of etc/fstab' }));
}
