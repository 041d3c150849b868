import { MobyPatchError } from '../../model/error.js';
import { type Container, listNetworks } from './container.js';
import { ask, type Daemon, withSignal } from './daemon.js';

/** A container's connection, which is there for the time of a step that asks for it. */
export interface NetworkSwitch {
  /** Whether it had to be changed. */
  turn(on: boolean): Promise<boolean>;
}

/** One turn after the other. A container is connected when it starts. */
export function createNetworkSwitch(
  daemon: Daemon,
  container: Container,
  signal: AbortSignal,
): NetworkSwitch {
  let isOn = container.networks.length > 0;
  let last: Promise<unknown> = Promise.resolve();
  async function change(on: boolean): Promise<boolean> {
    if (isOn === on) return false;
    await (on ? joinNetworks : leaveNetworks)(daemon, container, signal);
    isOn = on;
    return true;
  }
  return {
    turn(on) {
      const turned = last.then(() => change(on));
      last = turned;
      // Whoever comes next is told.
      turned.catch(() => {});
      return turned;
    },
  };
}

async function joinNetworks(daemon: Daemon, container: Container, signal: AbortSignal): Promise<void> {
  if (container.networks.length === 0) {
    throw new MobyPatchError(
      'infrastructure',
      'docker-network',
      'the Docker daemon gives containers no network',
      {
        hint: 'docker network ls; a daemon started with --bridge=none cannot run steps that need the network',
      },
    );
  }
  for (const name of container.networks) {
    await ask(
      daemon,
      `connect a container to the network ${name}`,
      60,
      (abortSignal) =>
        daemon.client.getNetwork(name).connect(withSignal({ Container: container.id }, abortSignal)),
      signal,
    );
  }
}

async function leaveNetworks(daemon: Daemon, container: Container, signal: AbortSignal): Promise<void> {
  for (const name of await listNetworks(daemon, container.handle, signal)) {
    await ask(
      daemon,
      `disconnect a container from the network ${name}`,
      60,
      (abortSignal) =>
        daemon.client.getNetwork(name).disconnect({ Container: container.id, Force: true, abortSignal }),
      signal,
    );
  }
}
