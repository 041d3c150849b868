/**
 * The newc codec without I/O, as `moby-patch/cpio`: a push parser that follows the kernel's init/initramfs.c, and an
 * encoder of records. Names are bytes; `decodePath` and `encodePath` carry any bytes through a string and back.
 */
export {
  encodeHeader,
  type HeaderProblem,
  headerSize,
  isTrailer,
  maximumNameSize,
  padding,
  parseHeader,
  trailerName,
} from './format/cpio/cpio-header.js';
export {
  type CpioReader,
  type CpioReaderOptions,
  createCpioReader,
  type ReaderProblem,
  type ReaderToken,
} from './format/cpio/cpio-reader.js';
export { encodePadding, encodeRecord, encodeTrailer, type RecordFields } from './format/cpio/cpio-writer.js';
export { createMode, parsePermissions, parseType } from './format/mode.js';
export { decodePath, encodePath, showPath } from './format/path.js';
export type { Token } from './model/image/archive.js';
export type { EntryType } from './model/image/entry.js';
export type { Header } from './model/image/layout.js';
