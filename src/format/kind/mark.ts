/** What a file, or the content of a member, is when it is no initrd. */
export interface FileKind {
  /** Stable: `ext4`, `qcow2`. */
  readonly id: string;
  /** With its article: `an ext4 file system`. */
  readonly name: string;
  /** Applications boot it as a disk, without an initrd beside it. */
  readonly isDisk?: boolean | undefined;
  /** `src/wrapper` reads it: `FILE#part`. */
  readonly isWrapper?: boolean | undefined;
  /** Commands that get an image or a root out of it. `file`: how a shell names it. */
  help(file: string): string;
}

/** A row of the table of what a file can be. */
export interface Mark extends FileKind {
  /** Where the bytes stand; negative: from the end of the file. */
  readonly at: number;
  /** `undefined`: any byte. */
  readonly bytes: readonly (number | undefined)[];
  /** What else must hold. */
  readonly isKind?: (start: Uint8Array) => boolean;
  /** Narrows the kind by the content. */
  readonly refine?: (start: Uint8Array) => Partial<FileKind>;
}

/** The bytes of Latin letters. */
export const text = (letters: string) => [...letters].map((letter) => letter.charCodeAt(0));
export const asRoot = 'moby-patch repack root -o initrd.img';
export const mount = (file: string) => `mkdir root && mount -o loop,ro ${file} root && ${asRoot}`;
