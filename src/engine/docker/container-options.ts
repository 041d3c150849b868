import type { ContainerSpec } from './daemon.js';

/** What a container may do and have; the daemon's own list of system calls stays on. */
export function createContainerOptions(spec: ContainerSpec) {
  return {
    name: spec.name,
    Image: spec.imageId,
    Entrypoint: [],
    Cmd: [...spec.argv],
    Hostname: spec.hostname,
    User: '0:0',
    WorkingDir: '/',
    Env: formatEnvironment(spec.environment),
    OpenStdin: true,
    Tty: false,
    Labels: { ...spec.labels },
    HostConfig: {
      CapDrop: ['ALL'],
      CapAdd: [...spec.capabilities],
      SecurityOpt: ['no-new-privileges:true'],
      // With control groups of version 1 a daemon's own choice is the namespace of the machine.
      CgroupnsMode: 'private',
      ...formatLimits(spec),
      Privileged: false,
      LogConfig: { Type: 'none', Config: {} },
      RestartPolicy: { Name: 'no' },
    },
  };
}

/** No swap besides; no core file, and no file that an initrd could not hold. */
function formatLimits({ limits, isGrouped }: ContainerSpec) {
  const { memory, processes } = limits;
  const bytes = memory * 2 ** 20;
  const ulimit = (Name: string, limit: number) => ({ Name, Soft: limit, Hard: limit });
  const Ulimits = [ulimit('core', 0), ulimit('fsize', 0xffffffff)];
  // A daemon takes no notice of limits that it cannot set.
  if (!isGrouped) Ulimits.push(ulimit('nproc', processes), ulimit('data', bytes));
  return { PidsLimit: processes, Memory: bytes, MemorySwap: bytes, Ulimits };
}

export function formatEnvironment(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}
