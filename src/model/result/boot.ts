import type { RootKind } from '../image/wrapper.js';
import type { Attestation } from './attestation.js';
import type { Expectation } from './expectation.js';

/** A file system that a machine boots from. */
export interface BootDisk {
  readonly path: string;
  readonly type: RootKind;
}

export interface BootRequest {
  /** The image file to boot. */
  readonly image: string;
  /** Hex digest of the image as it was checked; another one is not booted. Absent: any is. */
  readonly sha256?: string | undefined;
  readonly kernel: string;
  /** What messages call the image and the kernel, where their paths are those of copies. */
  readonly name?: string | undefined;
  readonly kernelName?: string | undefined;
  /** Kernel arguments; they follow the verification's own. */
  readonly cmdline: string;
  /** MiB. */
  readonly memory: number;
  /** Seconds of the guest's time after which an unfinished boot is refused. */
  readonly timeout: number;
  readonly expects: readonly Expectation[];
  /** `none`: no card; `isolated`: a card that reaches nothing; `host`: user networking, the host is 10.0.2.2. */
  readonly network: 'none' | 'isolated' | 'host';
  readonly accelerator?: 'auto' | 'kvm' | 'tcg' | undefined;
  /** What the image is the content of: the guest boots from it. Absent: the image is an initrd. */
  readonly disk?: BootDisk | undefined;
  /** Files with disks, raw or qcow2, which follow that of the image. What the guest writes to them goes with it. */
  readonly disks?: readonly string[] | undefined;
  /** Hold what the guest has unpacked against the image. */
  readonly attest?: boolean | undefined;
  /** Have the guest tell what runs in it. */
  readonly survey?: boolean | undefined;
  /** Services that steps make, of programs that stay: one that has ended counts as failed. */
  readonly daemons?: readonly string[] | undefined;
  /** The file to which the console is recorded. */
  readonly console: string;
}

/** A disk that a guest had besides its image. */
export interface ShownDisk {
  /** The name of its file. */
  readonly file: string;
  readonly format: 'raw' | 'qcow2';
  /** What Linux calls it: `/dev/vda`. */
  readonly device: string;
}

export interface ExpectationResult {
  readonly expectation: Expectation;
  /** The id of the patch that expects it. */
  readonly patch?: string | undefined;
  readonly met: boolean;
  /** What met the expectation, or what was found instead. */
  readonly found: string;
  /** Seconds of the guest's time after which it was met. */
  readonly seconds?: number | undefined;
  /** Set where it was met, but not within the seconds that it has. */
  readonly late?: true | undefined;
}

/** What runs in a guest whose system is up. */
export interface Survey {
  /** Services are those of its init system; programs where none keeps a list. */
  readonly kind: 'services' | 'programs';
  /** A program `runs` or `comes and goes`; a service whose state was not the same in the last three looks `changes`. */
  readonly services: readonly { readonly name: string; readonly state: string }[];
  /** Whether nothing changed any more: for ten looks where programs are listed, for three where services are. */
  readonly settled: boolean;
  /** KiB in use; absent where the guest does not tell. */
  readonly memory?: number | undefined;
}

/** The stages of a boot itself; those of expectations have their names. */
export const bootStages = [
  'firmware',
  'kernel',
  'unpacked',
  'attested',
  'init',
  'handed over',
  'system',
  'power-off',
] as const;

/** A step of a boot, in the order in which a good boot takes them. */
export interface BootStage {
  /** One of `bootStages`, or the name of an expectation. */
  readonly name: string;
  readonly state: 'reached' | 'failed' | 'not reached';
  /** Seconds of the guest's time. */
  readonly seconds?: number | undefined;
  /** What the console or the guest showed of it. */
  readonly line?: string | undefined;
}

export interface BootResult {
  readonly verdict: 'passed' | 'refused';
  /** Why the boot was refused, in one sentence. */
  readonly reason?: string | undefined;
  /** What the guest has reported: the state of its init system, or only that its first program runs (`init`). */
  readonly reached: 'nothing' | 'init' | 'default runlevel' | 'default target' | 'runlevel' | 'inittab';
  /** The name of the `runlevel`, where OpenRC was to end in another than its default. */
  readonly runlevel?: string | undefined;
  readonly accelerator: 'kvm' | 'tcg';
  /** Of the guest's time: what it waited for a processor of this machine does not count. */
  readonly seconds: number;
  /** Seconds that the guest waited for a processor of this machine. */
  readonly waited: number;
  /** 2 where this machine failed the first. */
  readonly attempts: number;
  readonly stages: readonly BootStage[];
  /** Of a refused boot: the stage at which it ended. */
  readonly endedAt?: string | undefined;
  /** Of a refused boot: what usually makes it end there, the most likely first. */
  readonly causes: readonly string[];
  /** Absent where it was not wanted, or the guest did not come so far. */
  readonly attestation?: Attestation | undefined;
  readonly survey?: Survey | undefined;
  /** Absent where there was none. */
  readonly disks?: readonly ShownDisk[] | undefined;
  readonly expectations: readonly ExpectationResult[];
  /** Console lines that look like trouble but do not refuse the boot. */
  readonly warnings: readonly string[];
  /** The console file. */
  readonly console: string;
  /** The last lines of the console when the boot was refused; otherwise empty. */
  readonly tail: readonly string[];
}
