import fc from 'fast-check';
import { decodePath, encodePath } from '#src/format/path.js';
import type { ArchiveRecord, Header } from '#src/model/image/layout.js';

export type Wanted = Partial<Header> & { readonly name: string; readonly target?: string };

const empty: Header = {
  magic: '070701',
  ino: 1,
  mode: 0o100644,
  uid: 0,
  gid: 0,
  nlink: 1,
  mtime: 0,
  filesize: 0,
  devmajor: 0,
  devminor: 0,
  rdevmajor: 0,
  rdevminor: 0,
  namesize: 0,
  check: 0,
};

/** As a scan of the archive gives it; `undefined` stays a TRAILER. */
export function createRecords(wanted: readonly (Wanted | undefined)[]): (ArchiveRecord | undefined)[] {
  let index = -1;
  return wanted.map((one) => {
    if (one === undefined) return undefined;
    index += 1;
    const { name, target, ...fields } = one;
    const header = { ...empty, namesize: encodePath(name).length + 1, ...fields };
    const isLink = (header.mode & 0o170000) === 0o120000;
    const size = isLink ? encodePath(target ?? '').length : header.filesize;
    const shown = isLink && size <= 4096 ? { target: target ?? '' } : {};
    return { segment: 0, index, position: 0, header: { ...header, filesize: size }, name, ...shown };
  });
}

const long = 'n'.repeat(255);
const component = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('a', 'b', 'c') },
  { weight: 2, arbitrary: fc.constantFrom('.', '..', '', 'dev', 'root', 'console') },
  { weight: 1, arbitrary: fc.constantFrom(long, `${long}n`, decodePath(Uint8Array.of(0xff))) },
);
const path = fc
  .tuple(
    fc.array(component, { minLength: 1, maxLength: 3 }),
    fc.oneof({ weight: 9, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.constantFrom('/', '//') }),
    fc.oneof({ weight: 6, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.constantFrom('/', './') }),
  )
  .map(([components, end, start]) => `${start}${components.join('/')}${end}`);
const name = fc.oneof(
  { weight: 60, arbitrary: path },
  { weight: 1, arbitrary: fc.constantFrom('', '/', '..', 'a/'.repeat(2048), 'a/'.repeat(2047)) },
  { weight: 3, arbitrary: fc.constantFrom('TRAILER!!!', 'TRAILER!!!', './TRAILER!!!') },
);
const types = [0o100000, 0o040000, 0o120000, 0o020000, 0o060000, 0o010000, 0o140000, 0, 0o110000];
const id = fc.constantFrom(0, 1000, 0xffffffff);
const record: fc.Arbitrary<Wanted> = fc
  .record({
    name,
    type: fc.oneof(
      { weight: 10, arbitrary: fc.constantFrom(...types.slice(0, 3)) },
      { weight: 3, arbitrary: fc.constantFrom(...types.slice(3)) },
    ),
    bits: fc.constantFrom(0o644, 0o755, 0, 0o4755, 0o2775, 0o1777),
    uid: id,
    gid: id,
    nlink: fc.constantFrom(1, 1, 2, 3, 0),
    ino: fc.constantFrom(1, 2),
    mtime: fc.nat(9),
    size: fc.constantFrom(0, 0, 3, 5),
    device: fc.constantFrom(1, 5),
    target: fc.oneof(
      { weight: 20, arbitrary: path },
      { weight: 1, arbitrary: fc.constantFrom('x'.repeat(4095), 'x'.repeat(4096), 'a\0b') },
    ),
  })
  .map(({ type, bits, size, device, target, ...rest }) => ({
    ...rest,
    mode: type | bits,
    // A body makes anything but a file or a symlink a record that is skipped: seldom enough.
    filesize: type === 0o100000 || size === 5 ? size : 0,
    rdevmajor: device,
    rdevminor: 1,
    ...(type === 0o120000 ? { target } : {}),
  }));
/** Few names, many collisions; `undefined` is a TRAILER. */
export const sequences: fc.Arbitrary<(Wanted | undefined)[]> = fc.array(
  fc.oneof({ weight: 12, arbitrary: record }, { weight: 1, arbitrary: fc.constant(undefined) }),
  { maxLength: 14 },
);
