/** Who may read a file, as stat(2) tells it. */
export interface FileAccess {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whether a list says more than the mode; absent where there is none. */
  readonly hasList?: (() => Promise<boolean>) | undefined;
}
