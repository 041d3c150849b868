import type { FileMark } from '../model/deployment.js';
import type { Layout } from '../model/image/layout.js';
import type { Manifest, ManifestImage } from '../model/result/manifest.js';
import type { Report } from '../model/result/report.js';

/** The part of a report that still matters when the build is forgotten. */
export function createManifest(report: Report): Manifest {
  const { before, after, boot, plan, engine, mode, wrapper } = report;
  return {
    version: 1,
    // Several names are a description, not a path.
    input: wrap(
      describe((before?.files?.length ?? 1) > 1 ? report.input : nameFile(report.input), before),
      wrapper?.part,
      wrapper?.before,
    ),
    output: report.overlay
      ? { name: nameFile(report.output ?? ''), ...report.overlay }
      : wrap(describe(nameFile(report.output ?? ''), after), wrapper?.part, wrapper?.after),
    plan: plan?.id ?? '',
    patches:
      plan?.patches.map(({ id, title, sha256, parameters }) => ({ id, title, sha256, parameters })) ?? [],
    packages: listPackages(report),
    steps: report.steps.map(({ patch, summary }) => ({ patch, summary })),
    changes: listChanges(report),
    ...listDownloads(report),
    engine: engine?.name ?? '',
    mode: mode?.name ?? '',
    verdict: boot === undefined ? 'not booted' : boot.verdict,
    ...(boot === undefined ? {} : { reached: boot.reached, console: nameFile(boot.console) }),
    warnings: report.warnings,
  };
}

/** Who wrote a path: the steps that say so; else those whose commands can have. */
function listChanges({ diff, steps }: Report): Manifest['changes'] {
  const writers = new Map<string, number[]>();
  const makers = new Map<string, number[]>();
  for (const [index, { paths = [] }] of steps.entries())
    for (const path of paths) {
      addTo(writers, path, index);
      for (let at = parentOf(path); at !== ''; at = parentOf(at)) addTo(makers, at, index);
    }
  const runners = [...steps.keys()].filter((index) => steps[index]?.ran === true);
  return (diff?.differences ?? []).map(({ path, kind }) => {
    const writer = writers.get(path) ?? (kind === 'removed' ? findAbove(writers, path) : undefined);
    // A folder that was made for what is in it.
    const maker = runners.length === 0 ? makers.get(path) : undefined;
    return { path, change: kind, steps: writer ?? maker ?? runners };
  });
}

function addTo(groups: Map<string, number[]>, path: string, index: number): void {
  const group = groups.get(path) ?? [];
  if (group.at(-1) !== index) group.push(index);
  groups.set(path, group);
}

/** What removes a folder removes what is in it. */
function findAbove(writers: ReadonlyMap<string, number[]>, path: string): number[] | undefined {
  for (let at = parentOf(path); at !== ''; at = parentOf(at)) {
    const found = writers.get(at);
    if (found !== undefined) return found;
  }
  return undefined;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** The file around an initrd, with the initrd as a part of it. */
function wrap(image: ManifestImage, part: string | undefined, around: FileMark | undefined): ManifestImage {
  if (part === undefined || around === undefined) return image;
  const { name, size, sha256 } = image;
  return { name: name.replace(/#.*$/, ''), ...around, part: { name: part, size, sha256 } };
}

function describe(name: string, layout: Layout | undefined): ManifestImage {
  const { size = 0, sha256 = '', files } = layout ?? {};
  const listed = files?.map(({ name, offset, end, sha256: digest }) => ({
    name: nameFile(name),
    size: end - offset,
    sha256: digest,
  }));
  return { name, size, sha256, ...(listed && { files: listed }) };
}

/** Name -> version of every package that a step installed. */
export function listPackages({ steps }: Report): Readonly<Record<string, string>> {
  return Object.fromEntries(steps.flatMap((step) => Object.entries(step.packages)));
}

function listDownloads({ steps }: Report): Pick<Manifest, 'downloads'> {
  const all = steps.flatMap(({ downloads }) => downloads ?? []);
  if (all.length === 0) return {};
  const kept = new Map(all.flatMap((each) => each.kept).map((file) => [JSON.stringify(file), file]));
  return { downloads: { kept: [...kept.values()], missing: all.flatMap(({ missing }) => missing) } };
}

/** Without its folder: a manifest is read on other machines. */
function nameFile(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
