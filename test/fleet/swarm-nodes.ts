import { spawn } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import type { TestDaemon } from '../fixtures/dockerd.js';
import { docker, enter, type FleetBench, pidOf, registry, runIn, startNode } from './fleet-bench.js';

const addressOf = (index: number) => `10.77.0.${index}`;

/** Listens where jobs look for the registry, and leads to that of the first node. */
const forwarder = `const [host, port] = process.argv[1].split(':');
require('node:net').createServer((near) => {
  const far = require('node:net').connect(port, '${addressOf(1)}');
  for (const [from, to] of [[near, far], [far, near]]) from.on('error', () => to.destroy()).pipe(to);
}).listen(port, host);`;

/**
 * Makes a Swarm of the daemon of a bench and of further ones, each in a network namespace of its own, behind one bridge. Returns the
 * further ones.
 */
export async function createSwarmNodes(
  t: ExecutionContext,
  { daemon }: FleetBench,
  count: number,
): Promise<readonly TestDaemon[]> {
  runIn(daemon, 'ip link add swarm type bridge');
  runIn(daemon, `ip address add ${addressOf(1)}/24 dev swarm`);
  runIn(daemon, 'ip link set swarm up');
  docker(daemon, 'swarm', 'init', '--advertise-addr', addressOf(1));
  const token = docker(daemon, 'swarm', 'join-token', '--quiet', 'worker').trim();
  const nodes: TestDaemon[] = [];
  for (let index = 2; index < 2 + count; index += 1) {
    const node = await startNode();
    t.teardown(() => node[Symbol.asyncDispose]());
    runIn(daemon, `ip link add to${index} type veth peer name swarm netns ${pidOf(node)}`);
    runIn(daemon, `ip link set to${index} master swarm up`);
    runIn(node, `ip address add ${addressOf(index)}/24 dev swarm`);
    runIn(node, 'ip link set swarm up');
    const [program = '', ...argv] = enter(node, [process.execPath, '-e', forwarder, registry]);
    const child = spawn(program, argv, { stdio: 'ignore' });
    t.teardown(() => child.kill());
    docker(node, 'swarm', 'join', '--token', token, `${addressOf(1)}:2377`);
    nodes.push(node);
  }
  return nodes;
}

/** Ends the daemon of a node and all that it started at once, as when the machine loses its power. */
export function killNode(node: TestDaemon): void {
  const namespaceOf = (pid: string) => {
    try {
      return readlinkSync(`/proc/${pid}/ns/net`);
    } catch {
      return undefined;
    }
  };
  const own = namespaceOf(pidOf(node));
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && namespaceOf(name) === own);
  if (own === undefined || own === namespaceOf('self'))
    throw new Error('the node has no namespace of its own');
  for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
}
