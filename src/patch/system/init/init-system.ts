import type { InitName } from '../../../model/patch/init.js';
import type { StepOutcome } from '../../../model/patch/patch.js';
import type { Workspace } from '../../../model/patch/workspace.js';
import type { StepContext } from '../step-context.js';

export interface At {
  readonly workspace: Workspace;
  readonly context: StepContext;
}

/** `boot`: before other services, once the local file systems are there. OpenRC takes any runlevel of the image. */
export interface ServiceChoice {
  readonly name: string;
  readonly runlevel: string;
}

/** The order and the dependencies of a service; names of services, or of `facilities`. */
export interface ServiceOrder {
  /** Without them it is not started. */
  readonly needs: readonly string[];
  /** It starts after them, if they start at all. */
  readonly after: readonly string[];
  readonly before: readonly string[];
}

/** A program that an init system runs, in no init system's own words. */
export interface ServiceDefinition extends ServiceChoice, ServiceOrder {
  readonly description: string;
  /** The path of the program with a leading slash, and its arguments. */
  readonly command: readonly string[];
  /** `daemon` stays in the foreground until it is ended; `once` ends by itself, and what depends on it waits for that. */
  readonly type: 'daemon' | 'once';
  /** Whether a daemon that ends is started again. */
  readonly restart: boolean;
  readonly user?: string | undefined;
  /** The working directory, with a leading slash. */
  readonly folder?: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

/** A mount that the boot tries until it succeeds or its time is over; the boot goes on. */
export interface MountDefinition extends ServiceChoice, ServiceOrder {
  readonly source: string;
  /** With a leading slash. */
  readonly target: string;
  readonly type: string;
  readonly options: string;
  /** Seconds for which the boot is delayed at most, and of one attempt at most. */
  readonly timeout: number;
  readonly attempt: number;
  /** Whether it is mounted when somebody looks into it, instead. */
  readonly automount: boolean;
}

/** What starts the services of an image. Each method finds its work done when it is called again. */
export interface InitSystem {
  readonly name: InitName;
  /** Lets the boot start a service that the image has. Errors (`failed`): `service-missing` and others. */
  enable(service: ServiceChoice, at: At): Promise<StepOutcome>;
  disable(service: ServiceChoice, at: At): Promise<StepOutcome>;
  /** Writes the script or the unit of a service, without enabling it. */
  define(service: ServiceDefinition, at: At): Promise<StepOutcome>;
  /** Writes what mounts it, and enables that. */
  mount(mount: MountDefinition, at: At): Promise<StepOutcome>;
  /** Whether the boot starts a service of one of these names. */
  isStarted(names: readonly string[], workspace: Workspace): Promise<boolean>;
  /** The file that `define` writes for a service of this name. */
  pathOf(name: string): string;
  /** What the boot reads once a service is enabled, in one line. */
  describeStart(service: ServiceChoice): string;
  describeMount(mount: MountDefinition): readonly string[];
}
