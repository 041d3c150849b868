import type { Manifest } from '../model/result/manifest.js';

/** A package of an image; `type` is that of its package URL. */
export interface SbomPackage {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly architecture?: string | undefined;
}

export interface SbomRequest {
  readonly manifest: Manifest;
  /** Of moby-patch. */
  readonly version: string;
  /** What the databases of the image list. */
  readonly packages: readonly SbomPackage[];
  /** Whether some database could not be read. */
  readonly isIncomplete: boolean;
  /** The id of the system: `debian`. */
  readonly os?: string | undefined;
}

/** The bill of materials of an image, as CycloneDX 1.5 in JSON. It has no time: equal images have equal bills. */
export function createSbom({ manifest, version, packages, isIncomplete, os }: SbomRequest) {
  const { output, patches } = manifest;
  const known = new Set(packages.map(({ name }) => name));
  // A database that cannot be read, or one that a patch has removed.
  const others = Object.entries(manifest.packages).filter(([name]) => !known.has(name));
  const root = `image:${output.sha256}`;
  const components = [
    ...packages.map((each) =>
      createPackage(each, { os, isAdded: Object.hasOwn(manifest.packages, each.name) }),
    ),
    ...others.map(([name, value]) => ({
      type: 'library',
      'bom-ref': `package:${name}@${value}`,
      name,
      version: value,
      properties: [added],
    })),
    ...patches.map(({ id, title, sha256 }) => ({
      type: 'data',
      'bom-ref': `patch:${id}`,
      name: id,
      description: title,
      hashes: [{ alg: 'SHA-256', content: sha256 }],
    })),
  ];
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${toUuid(output.sha256)}`,
    version: 1,
    metadata: {
      tools: { components: [{ type: 'application', name: 'moby-patch', version }] },
      component: {
        type: 'firmware',
        'bom-ref': root,
        name: output.name,
        hashes: [{ alg: 'SHA-256', content: output.sha256 }],
      },
    },
    components,
    dependencies: [{ ref: root, dependsOn: components.map((each) => each['bom-ref']) }],
    compositions: [{ aggregate: isIncomplete ? 'incomplete' : 'unknown', assemblies: [root] }],
  };
}

const added = { name: 'moby-patch:added', value: 'true' };

interface PackageTerms {
  readonly os: string | undefined;
  readonly isAdded: boolean;
}

function createPackage(each: SbomPackage, { os, isAdded }: PackageTerms) {
  const { name, version } = each;
  const purl = createPackageUrl(each, os);
  return { type: 'library', 'bom-ref': purl, name, version, purl, ...(isAdded && { properties: [added] }) };
}

/** A package URL (purl). A `generic` package is of no distribution. */
export function createPackageUrl({ type, name, version, architecture }: SbomPackage, os = 'unknown'): string {
  const arch = architecture === undefined ? '' : `?arch=${encodeURIComponent(architecture)}`;
  const place = type === 'generic' ? '' : `${encodeURIComponent(os)}/`;
  return `pkg:${type}/${place}${encodeURIComponent(name)}@${encodeURIComponent(version)}${arch}`;
}

/** Version 8 of RFC 9562: 122 bits of our own, here those of a digest. */
function toUuid(digest: string): string {
  const variant = (Number.parseInt(digest[16] ?? '0', 16) & 3) | 8;
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-${variant.toString(16)}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}
