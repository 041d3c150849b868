export const initNames = ['openrc', 'systemd', 'sysvinit', 'busybox'] as const;

/** What starts the services of an image, once its root file system is in place. */
export type InitName = (typeof initNames)[number];

export interface InitDetection {
  /** Undefined: an init system that is not known, or none. */
  readonly name?: InitName | undefined;
  /** The files that say so, or what was found in their place. */
  readonly evidence: string;
}
