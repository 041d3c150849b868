/** Something that a guest showed, and when: seconds of its time. */
export interface Moment {
  readonly at: number;
  readonly line: string;
}
