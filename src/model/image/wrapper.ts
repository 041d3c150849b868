/** What an initrd can be inside of. */
export type WrapperKind = 'iso' | 'uki' | 'uimage' | 'android' | 'fit' | 'kernel' | RootKind;

/** Kinds that hold no initrd: a file system is the root itself, and what reads an initrd reads an archive of its entries. */
export type RootKind = 'squashfs' | 'erofs';

export function isRootKind(kind: WrapperKind): kind is RootKind {
  return kind === 'squashfs' || kind === 'erofs';
}

/** What a boot loader compares with the bytes of a part before it starts them. */
export interface PartSum {
  /** `crc32`, or as OpenSSL calls it. */
  readonly algorithm: string;
  /** Hex. */
  readonly value: string;
}

/** Bytes of a wrapper that have a name. */
export interface WrapperPart {
  /** How users name it behind `#`: `install.amd/initrd.gz`, `.initrd`. */
  readonly name: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly size: number;
  /** Seconds since 1970, where the wrapper has a date for each file. */
  readonly mtime?: number | undefined;
  /** `offset` counts in the kernel proper, which the file holds compressed. */
  readonly isPacked?: boolean | undefined;
  /** Why this part cannot be replaced, where others can. */
  readonly obstacle?: WrapperObstacle | undefined;
  /** It changes with other parts: all of it (a list of sums), or only what a boot image says of its own place. */
  readonly follows?: 'all' | 'place' | undefined;
  /** It is a signature, which is left out where another content would make it wrong. */
  readonly isSignature?: boolean | undefined;
  /** Where the wrapper has some: with another one a boot loader refuses the part. */
  readonly sums?: readonly PartSum[] | undefined;
  /** The boot image that it is a file of: a file system in the wrapper. */
  readonly within?: { readonly offset: number; readonly size: number } | undefined;
  /** Names of parts with the same bytes, which other loaders of the wrapper start: they are replaced with it. */
  readonly copies?: readonly string[] | undefined;
  /** Where the wrapper has them for each file. */
  readonly attributes?: { readonly mode: number; readonly uid: number; readonly gid: number } | undefined;
}

/** A way in which the wrapper boots. */
export interface WrapperBoot {
  /** The names of parts. */
  readonly initrd: string;
  readonly kernel?: string | undefined;
  readonly cmdline?: string | undefined;
  /** What a menu calls it. */
  readonly title?: string | undefined;
}

export interface Wrapper {
  readonly kind: WrapperKind;
  /** With its article: `an ISO 9660 image`. */
  readonly title: string;
  /** Of a file system: `gzip`, or `none`; absent: unknown, or it is none. */
  readonly compression?: string | undefined;
  readonly parts: ReadonlyMap<string, WrapperPart>;
  /** Names of files of it that stand in several places, which are not read. */
  readonly split?: readonly string[] | undefined;
  /** Why no other initrd can be put into it; absent: one can, but for what its part says. */
  readonly obstacle?: WrapperObstacle | undefined;
  /** The one that starts by itself comes first. */
  readonly boots: readonly WrapperBoot[];
  /** What of it may start another initrd than the one that is replaced, in sentences. */
  readonly notes?: readonly string[] | undefined;
}

export interface WrapperObstacle {
  readonly message: string;
  readonly hint: string;
  /** Whether it is a signature that may be left out. */
  readonly isSignature: boolean;
}

/** A wrapped image: a file, and which part of it is the initrd. */
export interface WrappedImage {
  readonly path: string;
  /** The file is an initrd, and the wrapper describes the file system at this path of it. */
  readonly entry?: string | undefined;
  readonly wrapper: Wrapper;
  readonly boot: WrapperBoot;
}
