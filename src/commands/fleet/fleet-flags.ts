import type { SessionFlags } from '../shared/context.js';

/** As the command line has them. */
export interface GivenStoreFlags extends Omit<StoreFlags, 'registry'> {
  readonly registry?: string;
}

/** As the command line has them. */
export interface GivenBuildFlags extends Omit<FleetBuildFlags, 'registry' | 'on' | 'retries'> {
  readonly registry?: string;
  readonly on?: FleetBuildFlags['on'];
  readonly retries?: number;
}

export interface StoreFlags {
  readonly registry: string;
  readonly plan?: string;
  readonly json?: boolean;
}

export interface FleetBuildFlags extends SessionFlags {
  readonly registry: string;
  readonly on: 'local' | 'swarm' | 'hosts' | 'kubernetes';
  readonly target?: readonly string[];
  readonly config?: string;
  readonly image?: string;
  readonly maxConcurrent?: number;
  readonly retries: number;
  readonly constraint?: readonly string[];
  readonly host?: readonly string[];
  readonly network?: string;
  readonly variable?: readonly string[];
  readonly login?: string;
  readonly secret?: readonly string[];
  readonly detach?: boolean;
  readonly keepGoing?: boolean;
  readonly verify: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export interface FleetRunFlags extends SessionFlags {
  readonly job?: number;
  readonly architecture?: string;
  readonly left?: readonly number[];
  readonly secret?: readonly string[];
  readonly quiet?: boolean;
}
