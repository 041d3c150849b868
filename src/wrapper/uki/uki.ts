import type { InputFile } from '../../io/file/input-file.js';
import type { Wrapper, WrapperBoot, WrapperObstacle, WrapperPart } from '../../model/image/wrapper.js';
import { refuseCut } from '../cut-error.js';
import { contentSize, readProgram, type Section } from './pe.js';

const titles = { whole: 'a unified kernel image (UKI)', addon: 'an addon of a unified kernel image (UKI)' };
/** Bytes of a command line, and more. */
const longestText = 64 * 1024;

/**
 * A unified kernel image: systemd's stub with a kernel as a section; or an addon, which brings an initrd without one. Undefined: another program. Error (`invalid`):
 * `wrapper-invalid`.
 */
export async function findInUki(file: InputFile): Promise<Wrapper | undefined> {
  const program = await readProgram(file);
  if (program === undefined) return undefined;
  const named = program.sections.filter(({ offset }) => offset > 0);
  const groups = groupSections(named);
  const parts = new Map<string, WrapperPart>();
  for (const [index, sections] of groups.entries())
    for (const section of sections.values()) {
      const name = nameOf(section.name, index);
      const obstacle = section.name === '.initrd' ? undefined : createFixed(section.name);
      parts.set(name, { name, offset: section.offset, size: contentSize(section), obstacle });
    }
  const title = groups.some((sections) => sections.has('.linux')) ? titles.whole : titles.addon;
  const profiles = groups.length > 1 ? [...groups.keys()].slice(1) : [0];
  const boots: WrapperBoot[] = [];
  for (const index of profiles) {
    const find = (section: string) => parts.get(nameOf(section, index)) ?? parts.get(section);
    const [initrd, kernel] = [find('.initrd')?.name, find('.linux')?.name];
    if (initrd === undefined || (kernel === undefined && title === titles.whole)) continue;
    const cmdline = (await readText(file, find('.cmdline')))?.trim() || undefined;
    const about = (await readText(file, parts.get(nameOf('.profile', index)))) ?? '';
    const [, profile] = /^TITLE="?(.*?)"?$/m.exec(about) ?? /^ID="?(.*?)"?$/m.exec(about) ?? [];
    boots.push({ initrd, kernel, cmdline, ...(profile !== undefined && { title: profile }) });
  }
  if (boots.length === 0) return undefined;
  refuseCut(file, { title, end: Math.max(...named.map(({ offset, rawSize }) => offset + rawSize)) });
  const obstacle =
    program.signatures.size === 0
      ? undefined
      : {
          message: 'it is signed, and no signature holds for another content',
          hint: "--sign-with 'sbsign --key KEY --cert CERT' signs the new file with your own key, --drop-signatures leaves it without",
          isSignature: true,
        };
  return { kind: 'uki', title, parts, obstacle, boots };
}

function createFixed(name: string): WrapperObstacle {
  const message = `only the section .initrd of a UKI is replaced here, not ${name}`;
  return { message, hint: 'ukify makes a UKI anew', isSignature: false };
}

/**
 * The sections that all profiles share, and then those of each profile, the first of each name: a profile begins with `.profile`, and its
 * sections replace those that are shared (UAPI.5, multi-profile UKIs).
 */
function groupSections(sections: readonly Section[]): Map<string, Section>[] {
  let group = new Map<string, Section>();
  const groups = [group];
  for (const section of sections) {
    if (section.name === '.profile') {
      group = new Map();
      groups.push(group);
    }
    if (!group.has(section.name)) group.set(section.name, section);
  }
  return groups;
}

/** `.initrd`, and `.initrd@0` in the first profile: systemd counts profiles so. */
function nameOf(section: string, group: number): string {
  return group === 0 ? section : `${section}@${group - 1}`;
}

async function readText(file: InputFile, part: WrapperPart | undefined): Promise<string | undefined> {
  if (part === undefined) return undefined;
  const bytes = await file.read(part.offset, part.offset + Math.min(part.size, longestText));
  return Buffer.from(bytes).toString('utf8').replace(/\0.*$/s, '');
}
