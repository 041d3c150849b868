import type { InputFile } from '../../io/file/input-file.js';
import type {
  PartSum,
  Wrapper,
  WrapperBoot,
  WrapperObstacle,
  WrapperPart,
} from '../../model/image/wrapper.js';
import { isKnownSum } from '../part-sums.js';
import type { TreeNode } from './device-tree.js';
import { type Fit, fitTitle, openFit, placeData } from './open-fit.js';

/** A FIT image of U-Boot (doc/usage/fit/source_file_format.rst). Undefined: another device tree. Error (`invalid`): `wrapper-invalid`. */
export async function findInFit(file: InputFile): Promise<Wrapper | undefined> {
  const fit = await openFit(file);
  if (fit === undefined) return undefined;
  const { images, read } = fit;
  const parts = new Map<string, WrapperPart>();
  const outside: WrapperPart[] = [];
  const ramdisks: string[] = [];
  for (const image of images) {
    const data = await placeData(image, fit, file);
    // U-Boot finds the first of several nodes with one name.
    if (data === undefined || parts.has(image.name)) continue;
    parts.set(image.name, { ...data.part, sums: await listSums(fit, image) });
    if (data.outside !== undefined) outside.push(data.part);
    if ((await read(image, 'type')) === 'ramdisk') ramdisks.push(image.name);
  }
  if (ramdisks.length === 0) return undefined;
  const boots = await listBoots(fit, parts);
  for (const [name, part] of parts) {
    const obstacle = (await findObstacle(fit, name)) ?? findOverlap(outside, name, fit.totalSize);
    if (obstacle !== undefined) parts.set(name, { ...part, obstacle });
  }
  const all = boots.length > 0 ? boots : ramdisks.map((initrd) => ({ initrd }));
  return { kind: 'fit', title: fitTitle, parts, boots: all };
}

/** Bytes of the longest hash. */
const longestSum = 64;

/** Those in its nodes, of kinds that are known here. */
async function listSums({ read, source }: Fit, { children }: TreeNode): Promise<PartSum[]> {
  const sums: PartSum[] = [];
  for (const child of children) {
    const algorithm = (await read(child, 'algo')) ?? 'none';
    const value = child.properties.get('value');
    if (value === undefined || value.size > longestSum || !isKnownSum(algorithm)) continue;
    const bytes = await source.read(value.valueAt, value.valueAt + value.size);
    sums.push({ algorithm, value: bytes.toString('hex') });
  }
  return sums;
}

async function listBoots(
  { configurations, read }: Fit,
  parts: ReadonlyMap<string, WrapperPart>,
): Promise<WrapperBoot[]> {
  const boots: WrapperBoot[] = [];
  for (const configuration of configurations) {
    const initrd = await read(configuration, 'ramdisk');
    const kernel = await read(configuration, 'kernel');
    if (initrd !== undefined && parts.has(initrd))
      boots.push({
        initrd,
        kernel: kernel !== undefined && parts.has(kernel) ? kernel : undefined,
        title: configuration.name,
      });
  }
  return boots;
}

const hint = 'dumpimage takes it apart, mkimage -f makes it anew, with your own key (Debian: u-boot-tools)';

async function findObstacle(
  { images, configurations, read }: Fit,
  name: string,
): Promise<WrapperObstacle | undefined> {
  const image = images.find((each) => each.name === name);
  const isSigned = [...images, ...configurations].some(({ children }) =>
    children.some((child) => child.name.startsWith('signature')),
  );
  if (isSigned)
    return { message: 'it is signed, and no signature holds for another content', hint, isSignature: false };
  for (const child of image?.children ?? []) {
    const algorithm = (await read(child, 'algo')) ?? 'none';
    if (child.properties.has('value') && !isKnownSum(algorithm))
      return {
        message: `its sum is of a kind that is not known here: ${algorithm}`,
        hint,
        isSignature: false,
      };
  }
  return undefined;
}

/** Bytes that two images share would change for both. */
function findOverlap(
  outside: readonly WrapperPart[],
  name: string,
  totalSize: number,
): WrapperObstacle | undefined {
  // The tree changes with every part, and this one with it.
  const within = outside.find(({ offset, size }) => size > 0 && offset < totalSize);
  if (within !== undefined && within.name !== name) return createObstacle(within.name, 'the tree');
  const own = outside.find((part) => part.name === name);
  if (own === undefined) return undefined;
  const end = own.offset + own.size;
  const other = outside.find(
    (part) => part !== own && part.offset < end && part.offset + part.size > own.offset,
  );
  if (other === undefined && own.offset >= totalSize) return undefined;
  return createObstacle(name, other?.name ?? 'the tree');
}

function createObstacle(name: string, other: string): WrapperObstacle {
  return { message: `the data of ${name} shares bytes with ${other}`, hint, isSignature: false };
}
