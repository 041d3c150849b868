import { quoteFile } from '../../../format/kind/file-kind.js';
import { MobyPatchError } from '../../../model/error/error.js';

/** What only QEMU finds in the header of a qcow2 disk. */
const refusedDisk =
  /-drive file=json:.*"driver":"qcow2".*"filename":("(?:[^"\\]|\\.)*").*,id=disk\d+: (?!Could not (?:open|read))(.+)/;

/** Undefined where QEMU ended for another reason. */
export function createUnfitError(said: string): MobyPatchError | undefined {
  const [, name, problem] = refusedDisk.exec(said) ?? [];
  if (name === undefined) return undefined;
  const path: string = JSON.parse(name.replaceAll(',,', ','));
  const message = `found a qcow2 disk that QEMU does not take (${problem}), wanted one that is whole`;
  const hint = `get it anew, or: qemu-img check ${quoteFile(path)}`;
  return new MobyPatchError('invalid', 'disk-unfit', message, { path, hint });
}
