import { showBootconfigKey } from '../format/bootconfig/bootconfig-text.js';
import { showPath } from '../format/path.js';
import { showLine } from '../format/show-text.js';
import type { Layout, LayoutFile } from '../model/image/layout.js';
import { isRootKind, type Wrapper, type WrapperPart } from '../model/image/wrapper.js';
import type { Hazard } from '../model/result/hazard.js';
import type { KnownPatched } from '../model/result/record.js';
import { nameAround } from './name-around.js';
import { listSegments, segmentColumns, segmentNumbers } from './segments.js';
import { shorten } from './shorten.js';
import { formatTable } from './table.js';

export interface InspectedFile extends LayoutFile {
  readonly segments: readonly number[];
}

/** What the initrd, which the layout describes, is inside of. */
export interface InspectedWrapper
  extends Pick<Wrapper, 'kind' | 'title' | 'boots' | 'compression' | 'notes'> {
  /** The name of the initrd. */
  readonly part: string;
  readonly parts: readonly Omit<WrapperPart, 'obstacle' | 'follows' | 'sums' | 'within'>[];
}

/** What `inspect` prints: the layout at the top level, then the system in the image and its hazards. */
export interface Inspection extends Layout {
  /** Absent: the file is an initrd itself. */
  readonly wrapper?: InspectedWrapper | undefined;
  readonly system: {
    readonly os?: { readonly name: string; readonly version: string } | undefined;
    readonly packageManagers: readonly string[];
    readonly init?: string | undefined;
    /** What has made it, if it only leads to another root: initramfs-tools, dracut or mkinitfs. */
    readonly initramfs?: string | undefined;
    readonly modules: readonly string[];
  };
  /** Those that the image is joined of, with the indexes of their segments; absent for one file. */
  readonly files?: readonly InspectedFile[] | undefined;
  /** The keys of the boot configuration with their values; null where it cannot be parsed. Absent without one. */
  readonly bootconfig?: {
    readonly keys: Readonly<Record<string, readonly string[]>> | null;
    readonly text: string;
  };
  /** Archives that a kernel or its loader reads before there is a root, by the index of their segment. */
  readonly early?: readonly { readonly segment: number; readonly holds: string }[] | undefined;
  /** Absent where nothing says that it was patched. */
  readonly patched?: KnownPatched | undefined;
  readonly hazards: readonly Hazard[];
  readonly dropped: readonly { readonly name: string; readonly segment: number; readonly reason: string }[];
}

export function renderInspection(name: string, inspection: Inspection): string[] {
  const { size, sha256, system, hazards, dropped } = inspection;
  const list = (values: readonly string[]) => (values.length === 0 ? 'none' : values.join(', '));
  return [
    ...renderWrapper(name, inspection),
    showLine(`${nameInside(name, inspection)}: ${size} bytes, sha256 ${sha256}`),
    ...renderSegments(inspection),
    '',
    `os        ${system.os?.name || 'unknown (no etc/os-release)'}`,
    `packages  ${list(system.packageManagers)}`,
    `init      ${describeInit(system)}`,
    `modules   ${list(system.modules)}`,
    ...renderBootconfig(inspection),
    ...renderPatched(inspection),
    `hazards   ${hazards.length === 0 ? 'none found' : ''}`.trimEnd(),
    ...shorten(hazards.map(renderHazard), ({ length }) => [`  ... ${length} more ${inJson}`]).flat(),
    ...shorten(dropped.map(renderDropped), ({ length }) => `a kernel drops ${length} more ${inJson}`),
  ];
}

/** The initrd itself, as it would be named, where the file is around it, or the entries of a file system: size and digest are not those of the file. */
function nameInside(name: string, { wrapper }: Inspection): string {
  if (wrapper !== undefined && isRootKind(wrapper.kind)) return `${name} as an archive`;
  if (wrapper === undefined || name.includes('#')) return name;
  return `${name}#${wrapper.part}`;
}

function describeInit({ init, initramfs }: Inspection['system']): string {
  if (initramfs === undefined) return init ?? 'unknown';
  return `${init ?? '/init'}, in an initramfs of ${initramfs}`;
}

function renderWrapper(name: string, { wrapper }: Inspection): string[] {
  if (wrapper === undefined) return [];
  const { title, part, parts, boots } = wrapper;
  const one = parts.find((each) => each.name === part);
  const copies = one?.copies ?? [];
  const ways = boots.filter(({ initrd }) => initrd === part || copies.includes(initrd));
  const again = copies.map((copy) => `, and again ${copy}`).join('');
  if (isRootKind(wrapper.kind))
    return [showLine(`${name} is ${title} of ${one?.size} bytes${describePacked(wrapper)}`), ''];
  return [
    showLine(
      `${nameAround(name, part)} is ${title} with ${parts.length} ${parts.length === 1 ? 'part' : 'parts'}; the initrd is ${part} at ${one?.offset}${again}`,
    ),
    ...shorten(
      ways.map(({ title: entry, kernel, cmdline }) =>
        showLine(
          `  boots   ${entry ?? 'it'}: ${kernel ?? 'with a kernel from elsewhere'} ${cmdline ?? ''}`.trimEnd(),
        ),
      ),
      ({ length }) => `  ... ${length} more ${inJson}`,
    ),
    ...(wrapper.notes ?? []).map((note) => showLine(`  note    ${note}`)),
    '',
  ];
}

function describePacked({ compression }: InspectedWrapper): string {
  if (compression === undefined) return '';
  return compression === 'none' ? ', not compressed' : `, compressed by ${compression}`;
}

const inJson = '(--json has all)';

function renderDropped({ name, segment, reason }: Inspection['dropped'][number]): string {
  return `a kernel drops ${showPath(name)} (segment ${segment}): ${reason}`;
}

/** With a line in front of each file, where there are several. */
function renderSegments(layout: Inspection): string[] {
  const { files = [], segments, early = [] } = layout;
  const rows = listSegments(layout, new Map(early.map(({ segment, holds }) => [segment, holds]))).map((row) =>
    row.map(String),
  );
  const [head = '', ...lines] = formatTable([segmentColumns, ...rows], segmentNumbers);
  const headings = new Map<number, string[]>();
  for (const { name, offset, end, sha256 } of files) {
    const first = segments.findIndex((segment) => segment.end > offset);
    const at = first < 0 ? segments.length : first;
    const heading = `${showPath(name)}: ${offset} to ${end}, ${end - offset} bytes, sha256 ${sha256}`;
    headings.set(at, [...(headings.get(at) ?? []), heading]);
  }
  const grouped = [...lines, undefined].flatMap((line, index) => [
    ...(headings.get(index) ?? []),
    ...(line === undefined ? [] : [line]),
  ]);
  return [head, ...shorten(grouped, ({ length }) => `... ${length} more ${inJson}`)];
}

function renderBootconfig({ bootconfig }: Inspection): string[] {
  if (bootconfig === undefined) return [];
  const keys = Object.entries(bootconfig.keys ?? {});
  const count = keys.length === 1 ? '1 key' : `${keys.length} keys`;
  const what = bootconfig.keys === null ? 'it cannot be parsed' : count;
  return [
    `bootconfig  ${what}`,
    ...keys.map(([key, values]) => showLine(`  ${showBootconfigKey(key, values)}`)),
  ];
}

function renderPatched({ patched }: Inspection): string[] {
  if (patched === undefined) return [];
  const { by, patches, input } = patched;
  const who = by === 'record' ? 'etc/moby-patch/record.json' : by;
  return [
    showLine(`patched   ${patches.join(', ') || 'no patch'}, from the image ${input.slice(0, 16)} (${who})`),
  ];
}

function renderHazard({ code, severity, path, message, hint }: Hazard): string[] {
  const place = path === '' ? '' : `${showPath(path)}: `;
  return [`  ${severity.padEnd(7)} ${place}${message} [${code}]`, `          try: ${hint}`];
}
