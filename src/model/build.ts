import type { MobyPatchError } from './error/error.js';
import type { Codec } from './image/layout.js';
import type { WrappedImage } from './image/wrapper.js';
import type { EngineName, StepLimits } from './patch/engine.js';
import type { Lock, VendoredDownloads } from './patch/lock.js';
import type { Patch } from './patch/patch.js';
import type { Secret } from './patch/secret.js';
import type { NamedInput, NamedOutput } from './place.js';
import type { BootRequest } from './result/boot.js';
import type { KnownPatched } from './result/record.js';

/**
 * `rewrite`: touched archives are written anew; `append`: the input's bytes stay, one archive follows them;
 * `auto`: append where the changes allow it.
 */
export type WriteMode = 'rewrite' | 'append' | 'auto';

export interface BuildRequest {
  readonly image: string;
  /** `image` is a file with the initrd inside, and the output is one like it. */
  readonly wrapped?: WrappedImage | undefined;
  /** The files that are joined to the image, where there are several; `image` is the first of them then. */
  readonly files?: readonly { readonly name: string; readonly path: string }[] | undefined;
  /** The output is a folder, which gets one file for each of `files`, with its name. */
  readonly split?: boolean | undefined;
  /** What messages call the image: its id, or the path as it was given. */
  readonly name: string;
  readonly patches: readonly Patch[];
  /** Paths of the image that may be other files than steps were written for. */
  readonly accept?: readonly string[] | undefined;
  readonly settings: Readonly<Record<string, string>>;
  /** One for each secret parameter of the patches. */
  readonly secrets?: readonly Secret[] | undefined;
  /** For the report. */
  readonly warnings?: readonly string[] | undefined;
  readonly output: string;
  /** What the caller writes besides, by absolute paths. */
  readonly beside?: readonly NamedOutput[] | undefined;
  /** Files that are read besides those that the steps name: nothing is written in their place. */
  readonly reads?: readonly NamedInput[] | undefined;
  /** Whether the folder of the output is made where there is none. */
  readonly makesFolder?: boolean | undefined;
  /** What has to come out; a build that differs is refused. */
  readonly lock?: Lock | undefined;
  /** No step gets a network. */
  readonly offline?: boolean | undefined;
  /** What is kept beside the lock, for a build without a network; the folder is absolute. */
  readonly vendor?: VendoredDownloads | undefined;
  /** Make the changes a second time without the cache, and refuse (`not-reproducible`) where they differ. */
  readonly twice?: boolean | undefined;
  /** `oci://HOST/REPOSITORY`: a cache behind that of the session. */
  readonly sharedCache?: string | undefined;
  readonly engine: EngineName | 'auto';
  /** Of each step that runs commands; absent ones have their defaults. */
  readonly limits?: Partial<StepLimits> | undefined;
  readonly codec?: Codec | undefined;
  readonly level?: number | undefined;
  /** `overlay`: the output is only what was appended, for a boot loader to put behind the image; `addon`: the same as a program beside a UKI. Default: image. */
  readonly as?: 'image' | 'overlay' | 'addon' | undefined;
  /** What signs a new UKI or an addon: a program with its first arguments. */
  readonly signWith?: string | undefined;
  /** Default: rewrite. */
  readonly mode?: WriteMode | undefined;
  /** What is compressed becomes one member, not several that are cut between entries. */
  readonly single?: boolean | undefined;
  /** Bytes: bodies in the rewritten archive, which is not compressed, begin at multiples of it. */
  readonly dataAlign?: number | undefined;
  /** Absent: the output is not booted, and the report says so. */
  readonly verify?: BootOptions | undefined;
  /** Boot the input beside the output, and report what is different. */
  readonly compareStock?: boolean | undefined;
  /** Write provenance, verdict and bill of materials beside the output. */
  readonly provenance?: boolean | undefined;
  /** Put a file into the output that tells what it was patched with. */
  readonly record?: boolean | undefined;
  /** Whether an image that has a patch may get it again. */
  readonly again?: boolean | undefined;
  /** The image that a manifest beside the input describes. */
  readonly patched?: (KnownPatched & { readonly sha256: string }) | undefined;
  /** Whether the report has the changed lines of text files that everybody may read. */
  readonly texts?: boolean | undefined;
  /** What is wrong with the request itself; a build is refused for all of it together. */
  readonly faults?: readonly MobyPatchError[] | undefined;
  /** Seconds since 1970 for what steps write (SOURCE_DATE_EPOCH); default: the newest time in the image. */
  readonly stamp?: number | undefined;
}

/** How the output is booted. Without `memory` its size decides, from `leastMemory` up. */
export interface BootOptions extends Omit<BootRequest, 'image' | 'sha256' | 'console' | 'memory' | 'name'> {
  readonly memory?: number | undefined;
  readonly leastMemory?: number | undefined;
  /** `kernel` is the name of a part of the wrapper. */
  readonly kernelIsPart?: boolean | undefined;
}

/** Whether the output is only what is appended. */
export function isAppending(as: BuildRequest['as']): boolean {
  return as === 'overlay' || as === 'addon';
}
