import type { FolderUsage, Usage } from '../../model/result/usage.js';
import { type Markup, mark } from '../markup.js';
import { createTable } from './tables.js';
import { showBytes } from './tiles.js';

/** Where the bytes were before and are now: two maps in which an area is a size, and the folders that grew or shrank. */
export function createTreemaps(usage: Usage | undefined): Markup[] {
  if (usage === undefined || usage.before.length === 0) return [];
  const { before, after } = usage;
  const total = (folders: readonly FolderUsage[]) => folders.reduce((sum, { bytes }) => sum + bytes, 0);
  // Both have the same scale: the smaller is narrower.
  const largest = Math.max(total(before), total(after ?? []), 1);
  const names = new Set([...before, ...(after ?? [])].map(({ path }) => path));
  const colours = new Map([...names].map((path, index) => [path, index % 5]));
  const show = (title: string, folders: readonly FolderUsage[]) =>
    createMap({ title, folders, width: total(folders) / largest, colours });
  return [
    mark`<div class="maps">\n${[show('before', before), ...(after === undefined ? [] : [show('after', after)])]}</div>\n`,
    ...(after === undefined ? [] : [createChanges(before, after)]),
  ].flatMap((part) => part ?? []);
}

interface MapOptions {
  readonly title: string;
  readonly folders: readonly FolderUsage[];
  /** Share of the space that there is. */
  readonly width: number;
  readonly colours: ReadonlyMap<string, number>;
}

function createMap({ title, folders, width, colours }: MapOptions): Markup {
  const total = folders.reduce((sum, { bytes }) => sum + bytes, 0);
  const parts = layOut(folders).map(({ folder, x, y, w, h }) => {
    const name = nameFolder(folder);
    const text = `${name} ${showBytes(folder.bytes)}`;
    const size = w > 0.2 ? ` ${showBytes(folder.bytes)}` : '';
    const label = w > 0.14 && h > 0.12 ? mark`<b>${name}</b>${size}` : [];
    const place = `left:${percent(x)};top:${percent(y)};width:${percent(w)};height:${percent(h)}`;
    return mark`<span class="stage-${colours.get(folder.path) ?? 0}" style="${place}" title="${text}">${label}</span>`;
  });
  const label = `${title}: ${folders
    .slice(0, 5)
    .map((each) => `${nameFolder(each)} ${showBytes(each.bytes)}`)
    .join(', ')}`;
  return mark`<figure><figcaption>${title}: ${showBytes(total)} of files</figcaption>\n<div class="map" role="img" aria-label="${label}" style="width:${percent(width)}">${parts}</div></figure>\n`;
}

function nameFolder({ path }: FolderUsage): string {
  return path === '' ? 'at the root' : path;
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))}%`;
}

interface Placed {
  readonly folder: FolderUsage;
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** Parts of a square of side 1: rows along the shorter side, each as close to squares as it can be (squarified, Bruls et al. 2000). @internal */
export function layOut(folders: readonly FolderUsage[]): Placed[] {
  const total = folders.reduce((sum, { bytes }) => sum + bytes, 0);
  const placed: Placed[] = [];
  const left = folders
    .filter(({ bytes }) => bytes > 0)
    .map((folder) => ({ folder, area: folder.bytes / total }));
  let [x, y, w, h] = [0, 0, 1, 1];
  while (left.length > 0) {
    const side = Math.min(w, h);
    let count = 1;
    const worst = (size: number) => {
      const areas = left.slice(0, size).map(({ area }) => area);
      const sum = areas.reduce((a, b) => a + b, 0);
      return Math.max(
        ...areas.map((area) =>
          Math.max((side * side * area) / (sum * sum), (sum * sum) / (side * side * area)),
        ),
      );
    };
    while (count < left.length && worst(count + 1) <= worst(count)) count += 1;
    const row = left.splice(0, count);
    const sum = row.reduce((a, { area }) => a + area, 0);
    const depth = side === 0 ? 0 : sum / side;
    let at = 0;
    for (const { folder, area } of row) {
      const length = depth === 0 ? 0 : area / depth;
      placed.push(
        w >= h
          ? { folder, x, y: y + at, w: depth, h: length }
          : { folder, x: x + at, y, w: length, h: depth },
      );
      at += length;
    }
    if (w >= h) [x, w] = [x + depth, w - depth];
    else [y, h] = [y + depth, h - depth];
  }
  return placed;
}

const mostChanges = 15;

function createChanges(before: readonly FolderUsage[], after: readonly FolderUsage[]): Markup | undefined {
  const [old, now] = [before, after].map(
    (folders) => new Map(folders.map(({ path, bytes }) => [path, bytes])),
  );
  const rows = [...new Set([...before, ...after].map(({ path }) => path))]
    .map((path) => ({ path, was: old?.get(path) ?? 0, is: now?.get(path) ?? 0 }))
    .filter(({ was, is }) => was !== is)
    .sort((a, b) => Math.abs(b.is - b.was) - Math.abs(a.is - a.was))
    .slice(0, mostChanges)
    .map(({ path, was, is }) => [
      path === '' ? 'at the root' : path,
      mark`<span>${showBytes(was)}</span>`,
      mark`<span>${showBytes(is)}</span>`,
      mark`<span class="${is > was ? 'warning' : 'passed'}">${is > was ? '+' : '-'}${showBytes(Math.abs(is - was))}</span>`,
    ]);
  return createTable({ name: 'Folders', head: [{ plain: 'folder' }, 'before', 'after', 'change'], rows });
}
