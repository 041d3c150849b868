import type { StepLimits } from '../../../model/patch/engine.js';
import { commandEnvironment, grantedCapabilities } from '../../rights.js';
import { createResourceLimits } from './resource-limits.js';
import { createSeccomp, type Seccomp } from './seccomp.js';

/** A file of this machine that a command sees. */
export interface Bind {
  /** Absolute, on this machine. */
  readonly source: string;
  /** A file inside the root, no symlink on its way. */
  readonly target: string;
}

export interface ContainerPlan {
  /** Absolute path of the root folder; it has the directories dev, proc and sys. */
  readonly root: string;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly binds: readonly Bind[];
  /** As Node names it: `x64`, `arm64`. */
  readonly processor: string;
  readonly isNarrow: boolean;
  /** Without a control group the memory is that of each process, and no process of root is counted. */
  readonly limits: StepLimits;
  /** The control group: a path from the top, or a name. Undefined where none can be made. */
  readonly group: string | undefined;
  /** Whether the kernel counts swap too. */
  readonly limitsSwap: boolean;
  /** This process is in a user namespace: there the runtime itself mounts the devices of the machine. */
  readonly isNested: boolean;
  /** Connects the network namespace of the container; without it the loopback interface is alone in there. */
  readonly uplink: Hook | undefined;
}

/** A program of this machine that a runtime runs. */
export interface Hook {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
}

const mebibyte = 2 ** 20;

// The devices are those of this machine, mounted one by one. All else is nodev: a device node that a command makes,
// of the machine's disk say, opens nothing, with or without a control group.
const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

/** What Docker hides: it tells of the machine or of other processes. */
const maskedPaths = [
  ...['/proc/acpi', '/proc/asound', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats'],
  ...['/proc/sched_debug', '/proc/scsi', '/proc/timer_list', '/proc/timer_stats'],
  ...['/sys/firmware', '/sys/devices/virtual/powercap'],
];

const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

const hidden = ['nosuid', 'noexec', 'nodev'];

/** `config.json` of an OCI bundle: a command in a root folder with namespaces, rights and limits of its own. */
export function createOciConfig(plan: ContainerPlan) {
  const { root, argv, environment, processor, isNarrow, uplink } = plan;
  const capabilities = grantedCapabilities.map((name) => `CAP_${name}`);
  const variables = { ...commandEnvironment, ...environment };
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0, umask: 0o022 },
      args: argv,
      env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: createResourceLimits(plan.limits, plan.group !== undefined),
      noNewPrivileges: true,
    },
    root: { path: root, readonly: false },
    // Otherwise the machine's, and scripts that write it down would never write the same twice.
    hostname: 'localhost',
    mounts: createMounts(plan),
    ...(uplink === undefined ? {} : { hooks: { createRuntime: [uplink] } }),
    linux: {
      namespaces: ['pid', 'mount', 'ipc', 'uts', 'cgroup', 'network'].map((type) => ({ type })),
      maskedPaths,
      readonlyPaths,
      seccomp: createSeccomp(processor, isNarrow) satisfies Seccomp | undefined,
      ...createGroup(plan),
    },
  };
}

function createMounts({ binds, isNested }: ContainerPlan) {
  const mount = (type: string, destination: string, ...options: string[]) => ({
    type,
    source: type,
    destination,
    options,
  });
  const bind = (source: string, destination: string) => ({
    type: 'bind',
    source,
    destination,
    options: ['bind', 'nosuid', 'noexec'],
  });
  return [
    // Read-only: most of /proc/sys (core_pattern!) is in no namespace and asks for the user id 0 only.
    mount('proc', '/proc', 'ro', ...hidden),
    mount('sysfs', '/sys', 'ro', ...hidden),
    mount('tmpfs', '/dev', ...hidden, 'mode=755', 'size=1m'),
    mount('devpts', '/dev/pts', 'nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'),
    mount('tmpfs', '/dev/shm', ...hidden, 'mode=1777', 'size=64m'),
    ...(isNested ? [] : devices).map((name) => bind(`/dev/${name}`, `/dev/${name}`)),
    ...binds.map(({ source, target }) => bind(source, `/${target}`)),
  ];
}

/** A device node may be made, since packages have some; it can be opened only if it is one of `devices`. */
function createGroup({ limits, group, limitsSwap }: ContainerPlan) {
  if (group === undefined) return {};
  const { processes } = limits;
  const memory = limits.memory * mebibyte;
  return {
    cgroupsPath: group,
    resources: {
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', access: 'm' },
        { allow: true, type: 'b', access: 'm' },
      ],
      memory: { limit: memory, ...(limitsSwap ? { swap: memory } : {}) },
      pids: { limit: processes },
    },
  };
}
