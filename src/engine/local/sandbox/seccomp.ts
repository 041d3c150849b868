import {
  allowedCalls,
  allowedFamilies,
  allowedPersonalities,
  familyCount,
  namespaceFlags,
  refusedCalls,
} from './system-calls.js';

interface Condition {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ';
}

interface Rule {
  readonly names: readonly string[];
  readonly action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO';
  readonly errnoRet?: number;
  readonly args?: readonly Condition[];
}

/** `linux.seccomp` of an OCI configuration. */
export interface Seccomp {
  readonly defaultAction: 'SCMP_ACT_ERRNO';
  readonly defaultErrnoRet: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly Rule[];
}

// asm-generic/errno.h
const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

interface Processor {
  readonly own: string;
  /** That of its 32-bit programs; not x32, which no distribution uses. */
  readonly narrow: string;
  /** Whether a 32-bit program may open sockets by `socketcall`, whose arguments are in memory, where no filter looks. */
  readonly hidesSockets: boolean;
}

const processors: Readonly<Record<string, Processor>> = {
  x64: { own: 'SCMP_ARCH_X86_64', narrow: 'SCMP_ARCH_X86', hidesSockets: true },
  arm64: { own: 'SCMP_ARCH_AARCH64', narrow: 'SCMP_ARCH_ARM', hidesSockets: false },
};

const families = Array.from({ length: familyCount }, (_, family) => family);

/**
 * The filter for a processor as Node names it; undefined for one whose calls nobody has looked through. `isNarrow`: the
 * programs of the image are 32-bit ones. On x64 only such an image gets the 32-bit calls, and its sockets are of any
 * family; elsewhere a 32-bit program is killed.
 */
export function createSeccomp(processor: string, isNarrow = false): Seccomp | undefined {
  const known = processors[processor];
  if (known === undefined) return undefined;
  const { own, narrow, hidesSockets } = known;
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENOSYS,
    architectures: isNarrow || !hidesSockets ? [own, narrow] : [own],
    syscalls: [
      { names: allowedCalls, action: 'SCMP_ACT_ALLOW' },
      { names: refusedCalls, action: 'SCMP_ACT_ERRNO', errnoRet: EPERM },
      // Its flags are in memory; libc then calls clone.
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
      allow('clone', { index: 0, value: namespaceFlags, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }),
      ...(isNarrow && hidesSockets
        ? [{ names: ['socket'], action: 'SCMP_ACT_ALLOW' } as const]
        : filterSockets()),
      ...allowedPersonalities.map((value) => allow('personality', { index: 0, value, op: 'SCMP_CMP_EQ' })),
    ],
  };
}

/** Equality compares all 64 bits of a register, of which the kernel reads 32: nothing passes by a high bit. */
function filterSockets(): Rule[] {
  return families.map((value) => {
    const condition = { index: 0, value, op: 'SCMP_CMP_EQ' } as const;
    return allowedFamilies.includes(value)
      ? allow('socket', condition)
      : { names: ['socket'], action: 'SCMP_ACT_ERRNO', errnoRet: EAFNOSUPPORT, args: [condition] };
  });
}

function allow(name: string, condition: Condition): Rule {
  return { names: [name], action: 'SCMP_ACT_ALLOW', args: [condition] };
}
