import { MobyPatchError } from '../model/error.js';
import type { ArchiveRecord, Image, ImageEntry } from '../model/layout.js';
import type { RecordAction } from './rewrite-plan.js';

type Relink = Extract<RecordAction, { do: 'relink' }>;

/**
 * Actions for the names that stay of hard-link groups of which some go. Their count is set right, since
 * the kernel only links what has two or more; and when the record with the body goes (GNU cpio puts it
 * into the last name, others into the first), a name that stays takes the body over.
 */
export function planLinks(
  image: Image,
  actions: ReadonlyMap<ArchiveRecord, RecordAction>,
): Map<ArchiveRecord, Relink> {
  const relinks = new Map<ArchiveRecord, Relink>();
  for (const group of listGroups(image)) {
    const staying = group.records.filter((record) => !actions.has(record));
    if (staying.length === group.records.length || staying.length === 0) continue;
    for (const record of staying) relinks.set(record, { do: 'relink', nlink: staying.length });
    if (group.type !== 'file' || staying.includes(group.data)) continue;
    const heir = chooseHeir(staying, group.data);
    relinks.set(heir, { do: 'relink', nlink: staying.length, carry: group.data });
  }
  return relinks;
}

interface LinkGroup {
  readonly type: ImageEntry['type'];
  readonly data: ArchiveRecord;
  /** Every record that speaks of one of the group's names. */
  readonly records: readonly ArchiveRecord[];
}

function listGroups(image: Image): LinkGroup[] {
  const members = new Map<string, ImageEntry[]>();
  for (const entry of image.entries.values()) {
    if (entry.link !== undefined) members.set(entry.link, [...(members.get(entry.link) ?? []), entry]);
  }
  const linkOfPath = new Map([...members.values()].flat().map((entry) => [entry.path, entry.link]));
  const records = new Map<string, ArchiveRecord[]>();
  for (const record of image.records) {
    const link = linkOfPath.get(image.paths[record.index] ?? '');
    if (link !== undefined) records.set(link, [...(records.get(link) ?? []), record]);
  }
  return [...members].flatMap(([link, entries]) => {
    const [entry] = entries;
    return entry === undefined
      ? []
      : [{ type: entry.type, data: entry.data, records: records.get(link) ?? [] }];
  });
}

/** The next name after the body's old place, so that it can be passed on; else the last one before it. */
function chooseHeir(staying: readonly ArchiveRecord[], data: ArchiveRecord): ArchiveRecord {
  const heir =
    staying.find((record) => record.index > data.index) ??
    staying.findLast((record) => record.segment === data.segment);
  if (heir !== undefined) return heir;
  throw new MobyPatchError(
    'failed',
    'links-across-segments',
    'a file whose contents stand in a later segment than the names that stay cannot be kept',
    {
      path: data.name,
      hint: 'change or remove all names of the hard-linked file',
    },
  );
}
