import { MobyPatchError } from '../model/error/error.js';

const scheme = 'oci://';

/** Where an artifact is in a registry: `oci://HOST/REPOSITORY[:TAG][@sha256:DIGEST][#FILE]`. */
export interface Reference {
  /** As the user wrote it. */
  readonly text: string;
  /** Host and port, as credentials are stored for it. */
  readonly host: string;
  readonly repository: string;
  readonly tag: string;
  /** `sha256:` and 64 hex digits. The tag does not matter then. */
  readonly digest?: string | undefined;
  /** Which file of the artifact. */
  readonly file?: string | undefined;
}

// The grammar of the distribution specification (github.com/opencontainers/distribution-spec, "Pulling manifests").
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const form = new RegExp(
  `^(?<host>[A-Za-z0-9.-]+(?::[0-9]{1,5})?|\\[[0-9a-fA-F:]+\\](?::[0-9]{1,5})?)/(?<repository>${component}(?:/${component})*)` +
    '(?::(?<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?(?:#(?<file>[^#]+))?$',
);
/** The specification's limit for a host and a repository together. */
const longest = 1024;

/** Whether a name is meant to be that of an artifact. */
export function isReference(name: string): boolean {
  return name.startsWith(scheme);
}

/** Error (`invalid`): `registry-reference`. */
export function parseReference(text: string): Reference {
  const groups = text.length > longest ? undefined : form.exec(text.slice(scheme.length))?.groups;
  const { host = '', repository = '', tag, digest, file } = groups ?? {};
  if (!isReference(text) || !isHost(host)) {
    throw new MobyPatchError(
      'invalid',
      'registry-reference',
      'wanted oci://HOST/REPOSITORY[:TAG][@sha256:DIGEST]',
      {
        path: text.slice(0, longest),
        hint: 'a host has a dot or a port, a repository is in lower case: oci://registry.example.com/images/vm:1',
      },
    );
  }
  return { text, host, repository, tag: tag ?? 'latest', digest, file };
}

/** A first part without a dot or a port is a user's name on Docker Hub for other programs, and must not be guessed here. */
function isHost(host: string): boolean {
  return host === 'localhost' || /[.:]/.test(host);
}

/** Docker does without TLS for these alone (https://docs.docker.com/reference/cli/dockerd/#insecure-registries). */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  return name === 'localhost' || name === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(name);
}

/** The host that answers; that of Docker Hub has another name. */
export function serverOf(host: string): string {
  return host === 'docker.io' ? 'registry-1.docker.io' : host;
}
