/**
 * Writes an archive that a kernel unpacks behind an initrd, and lists it, with the newc codec alone:
 *
 *     node newc.js > more.cpio; cat initrd.gz more.cpio > both.img
 */
import {
  createCpioReader,
  decodePath,
  encodePadding,
  encodePath,
  encodeRecord,
  encodeTrailer,
} from 'moby-patch/cpio';

const text = new TextEncoder().encode('hello\n');
const directory = encodeRecord({ mode: 0o040755, nlink: 2 }, encodePath('etc'));
const file = encodeRecord(
  { mode: 0o100644, filesize: text.length, mtime: 1_700_000_000 },
  encodePath('etc/motd'),
);
const archive = Buffer.concat([directory, file, text, encodePadding(text.length), encodeTrailer()]);

for (const token of createCpioReader().push(archive)) {
  if (token.kind === 'problem') throw new Error(token.problem);
  if (token.kind === 'entry') {
    const { mode, filesize } = token.header;
    console.error(`${mode.toString(8)} ${filesize} ${decodePath(token.name)}`);
  }
}
process.stdout.write(archive);
