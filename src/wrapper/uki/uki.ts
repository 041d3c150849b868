import type { InputFile } from '../../io/file/input-file.js';
import type { Wrapper, WrapperPart } from '../../model/image/wrapper.js';
import { refuseCut } from '../cut-error.js';
import { contentSize, readProgram, type Section } from './pe.js';

const title = 'a unified kernel image (UKI)';
/** Bytes of a command line, and more. */
const longestText = 64 * 1024;

/** A unified kernel image: systemd's stub with a kernel as a section. Undefined: another program. Error (`invalid`): `wrapper-invalid`. */
export async function findInUki(file: InputFile): Promise<Wrapper | undefined> {
  const program = await readProgram(file);
  if (program === undefined) return undefined;
  const named = program.sections.filter(({ offset }) => offset > 0);
  const sections = new Map<string, Section>();
  // A later section of the name belongs to a profile of its own (UAPI.5, multi-profile UKIs).
  for (const section of named) if (!sections.has(section.name)) sections.set(section.name, section);
  if (!sections.has('.linux') || !sections.has('.initrd')) return undefined;
  refuseCut(file, { title, end: Math.max(...named.map(({ offset, rawSize }) => offset + rawSize)) });
  const parts = new Map<string, WrapperPart>();
  for (const [name, section] of sections)
    parts.set(name, { name, offset: section.offset, size: contentSize(section) });
  const cmdline = parts.get('.cmdline');
  const text =
    cmdline === undefined
      ? undefined
      : Buffer.from(
          await file.read(cmdline.offset, cmdline.offset + Math.min(cmdline.size, longestText)),
        ).toString('utf8');
  const boot = {
    initrd: '.initrd',
    kernel: '.linux',
    cmdline: text?.replace(/\0.*$/s, '').trim() || undefined,
  };
  const obstacle =
    program.signatures.size === 0
      ? undefined
      : {
          message: 'it is signed, and no signature holds for another content',
          hint: "--sign-with 'sbsign --key KEY --cert CERT' signs the new file with your own key, --drop-signatures leaves it without",
          isSignature: true,
        };
  return { kind: 'uki', title, parts, obstacle, boots: [boot] };
}
