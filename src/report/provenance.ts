import { nameExpectation } from '../model/result/expectation.js';
import type { Manifest, ManifestImage } from '../model/result/manifest.js';
import type { Report } from '../model/result/report.js';
import { createPackageUrl, type SbomPackage } from './sbom.js';

const home = 'https://github.com/moby-patch/moby-patch';

/** An in-toto statement about an image (in-toto attestation framework, Statement v1). */
export interface Statement {
  readonly _type: 'https://in-toto.io/Statement/v1';
  readonly subject: readonly Resource[];
  readonly predicateType: string;
  readonly predicate: object;
}

/** A resource descriptor (v1), which has an address or a digest at least. */
type Resource = {
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>>;
} & ({ readonly digest: { readonly sha256: string } } | { readonly uri: string });

function createStatement(manifest: Manifest, predicateType: string, predicate: object): Statement {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: listResources(manifest.output),
    predicateType,
    predicate,
  };
}

/** The files of an image, where there are several. */
function listResources({ name, sha256, files }: ManifestImage): Resource[] {
  const all = files === undefined || files.length === 0 ? [{ name, sha256 }] : files;
  return all.map((file) => ({ name: file.name, digest: { sha256: file.sha256 } }));
}

export interface ProvenanceRequest {
  readonly manifest: Manifest;
  /** Of moby-patch. */
  readonly version: string;
  /** What the databases of the image list. */
  readonly packages: readonly SbomPackage[];
  /** The id of the system: `debian`. */
  readonly os?: string | undefined;
}

/** How an image was made, as SLSA provenance v1. It has no time: equal builds have equal provenance. */
export function createProvenance({ manifest, version, packages, os }: ProvenanceRequest): Statement {
  const { input, plan, patches, engine, mode } = manifest;
  const known = new Map(packages.map((each) => [each.name, each]));
  return createStatement(manifest, 'https://slsa.dev/provenance/v1', {
    buildDefinition: {
      buildType: `${home}/blob/main/docs/building.md#provenance`,
      externalParameters: {
        image: input.name,
        patches: patches.map(({ id, parameters }) => ({ id, parameters })),
        mode,
      },
      internalParameters: { plan, engine },
      resolvedDependencies: [
        ...listResources(input),
        ...patches.map(({ id, sha256 }) => ({ name: `patch ${id}`, digest: { sha256 } })),
        ...Object.entries(manifest.packages).map(([name, value]) => ({
          name: `package ${name}`,
          uri: createPackageUrl(known.get(name) ?? { type: 'generic', name, version: value }, os),
        })),
      ],
    },
    runDetails: {
      builder: { id: home, version: { 'moby-patch': version } },
      metadata: { invocationId: plan },
    },
  });
}

export interface VerdictRequest {
  readonly manifest: Manifest;
  readonly report: Pick<Report, 'boot'>;
  /** The kernel that booted the image. */
  readonly kernel?: NamedFile | undefined;
  /** The disks that the guest had, in the order of `BootResult.disks`. */
  readonly disks?: readonly NamedFile[] | undefined;
}

interface NamedFile {
  readonly name: string;
  readonly sha256: string;
}

/** The verdict of the boot, as an in-toto test result v0.1; undefined where nothing was booted. */
export function createVerdict({
  manifest,
  report: { boot },
  kernel,
  disks = [],
}: VerdictRequest): Statement | undefined {
  if (boot === undefined || kernel === undefined) return undefined;
  const { verdict, expectations, attestation, reached, accelerator } = boot;
  const tests = expectations.map(({ expectation, met }) => ({ name: nameExpectation(expectation), met }));
  const attested = attestation && {
    name: 'the guest has unpacked what the image holds',
    met: attestation.differences.length === 0,
  };
  const handedOver = boot.stages.find(({ name }) => name === 'handed over');
  const all = [
    { name: reached === 'nothing' ? 'boot' : `boot: ${reached}`, met: verdict === 'passed' },
    ...(handedOver ? [{ name: 'handed over to the root', met: handedOver.state === 'reached' }] : []),
    ...(attested ? [attested] : []),
    ...tests,
  ];
  const names = (wanted: boolean) => all.filter(({ met }) => met === wanted).map(({ name }) => name);
  return createStatement(manifest, 'https://in-toto.io/attestation/test-result/v0.1', {
    result: verdict === 'passed' ? 'PASSED' : 'FAILED',
    configuration: [
      {
        name: kernel.name,
        digest: { sha256: kernel.sha256 },
        annotations: { emulator: 'QEMU', accelerator },
      },
      ...disks.map(({ name, sha256 }, index) => ({
        name,
        digest: { sha256 },
        annotations: { device: boot.disks?.[index]?.device },
      })),
    ],
    passedTests: names(true),
    failedTests: names(false),
  });
}
