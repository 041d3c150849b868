import type { InputFile } from '../../io/file/input-file.js';
import type { WrapperPart } from '../../model/image/wrapper.js';
import { headerLimit, parseProgram } from '../uki/pe.js';

const mostPrograms = 100;

/** The unified kernel images among the files of an ISO, in sentences: each starts an initrd of its own, which no build replaces. */
export async function noteUkis(file: InputFile, parts: ReadonlyMap<string, WrapperPart>): Promise<string[]> {
  const programs = [...parts.values()].filter(({ name, size }) => size > 0 && /\.efi$/i.test(name));
  const notes: string[] = [];
  for (const { name, offset, size } of programs.slice(0, mostPrograms)) {
    const program = parseProgram(Buffer.from(await file.read(offset, offset + Math.min(size, headerLimit))));
    const sections = new Set(program?.sections.map((section) => section.name));
    if (sections.has('.linux') && sections.has('.initrd'))
      notes.push(`${name} is a unified kernel image (UKI) with an initrd of its own, which stays as it is`);
  }
  return notes;
}
