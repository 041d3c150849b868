/** A package as the database of an installed system lists it. */
export interface ListedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture?: string | undefined;
}

/** dpkg(1), PACKAGE STATES: those in which all files of a package are there. */
const present = /^Status: .* (installed|unpacked|half-configured|triggers-awaited|triggers-pending)$/m;

/** dpkg's status file, paragraphs of fields; a package counts when it is unpacked and configured. */
export function parseDpkgStatus(text: string): ListedPackage[] {
  return parseParagraphs(text, /^Status: .* installed$/m);
}

/** The same with packages that were only unpacked, such as the udebs of Debian's installer. */
export function parseDpkgUnpacked(text: string): ListedPackage[] {
  return parseParagraphs(text, present);
}

function parseParagraphs(text: string, state: RegExp): ListedPackage[] {
  return text.split('\n\n').flatMap((paragraph) => {
    if (!state.test(paragraph)) return [];
    return createPackage(
      /^Package: *(.+)$/m.exec(paragraph),
      /^Version: *(.+)$/m.exec(paragraph),
      /^Architecture: *(.+)$/m.exec(paragraph),
    );
  });
}

/** apk's database, paragraphs of a letter, a colon and a value (apk-package(5)). */
export function parseApkInstalled(text: string): ListedPackage[] {
  return text
    .split('\n\n')
    .flatMap((paragraph) =>
      createPackage(/^P:(.+)$/m.exec(paragraph), /^V:(.+)$/m.exec(paragraph), /^A:(.+)$/m.exec(paragraph)),
    );
}

type Match = RegExpExecArray | null;

function createPackage(name: Match, version: Match, architecture: Match): ListedPackage[] {
  if (name?.[1] === undefined || version?.[1] === undefined) return [];
  const found = { name: name[1], version: version[1] };
  return [architecture?.[1] === undefined ? found : { ...found, architecture: architecture[1] }];
}
