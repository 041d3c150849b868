import { basename } from 'node:path';
import type { ShownDisk } from '../../../model/result/boot.js';

export interface Drive {
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
  /** Whether the guest cannot write to it. What it writes to another is in a file of its own that goes with it. */
  readonly isFixed?: boolean | undefined;
}

/** QEMU's arguments for disks, which the guest sees from `/dev/vda` on. */
export function listDrives(drives: readonly Drive[] = []): readonly string[] {
  return drives.flatMap((drive, index) => {
    const id = `disk${index}`;
    return ['-drive', `${describeDrive(drive)},if=none,id=${id}`, '-device', `virtio-blk-pci,drive=${id}`];
  });
}

/** A fault of this machine must not look like one of the guest's disk: QEMU stops, and says so. */
const onFault = 'rerror=stop,werror=stop';

function describeDrive({ path, format, isFixed = false }: Drive): string {
  if (isFixed) return `file=${escapeValue(path)},format=${format},readonly=on,file.locking=off,${onFault}`;
  // The format is said, and that nothing stands behind the file, whatever its header says by now.
  const alone = format === 'qcow2' ? { backing: null } : {};
  const node = { driver: format, ...alone, file: { driver: 'file', filename: path } };
  return `file=json:${escapeValue(JSON.stringify(node))},snapshot=on,${onFault}`;
}

/** A comma in a value of QEMU is written twice. */
function escapeValue(text: string): string {
  return text.replaceAll(',', ',,');
}

/** What Linux calls the disks of QEMU that have a driver of their own. */
export function nameDevice(index: number): string {
  return `/dev/vd${String.fromCharCode('a'.charCodeAt(0) + index)}`;
}

/** Those besides the image. */
export function showDrives(drives: readonly Drive[]): ShownDisk[] {
  return drives.flatMap(({ path, format, isFixed }, index) =>
    isFixed ? [] : [{ file: basename(path), format, device: nameDevice(index) }],
  );
}
