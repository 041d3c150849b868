import { MobyPatchError } from '../model/error/error.js';
import { isLoopback, type Reference } from './reference.js';

/** No answer, or none in time. `what`: `the manifest`. */
export function createUnreachableError(
  { text, host }: Reference,
  what: string,
  cause: unknown,
): MobyPatchError {
  const { reason, hint = `curl -sS ${isLoopback(host) ? 'http' : 'https'}://${host}/v2/` } = explain(cause);
  const message = `the registry ${host} did not give ${what}: ${reason}`;
  return new MobyPatchError('infrastructure', 'registry-unreachable', message, { path: text, cause, hint });
}

/** An answer that says no. */
export function createRefusal({ text, host }: Reference, what: string, status: number): MobyPatchError {
  if (status === 401 || status === 403)
    return new MobyPatchError(
      'infrastructure',
      'registry-refused',
      `the registry refused ${what} (${status})`,
      {
        path: text,
        hint: `docker login ${host}`,
      },
    );
  if (status === 404)
    return new MobyPatchError('invalid', 'registry-missing', `the registry has no such artifact (${what})`, {
      path: text,
      hint: 'look at the name and the tag',
    });
  return createAnswerError(text, `the registry answered ${status} for ${what}`);
}

/** An answer that no registry should give. */
export function createAnswerError(path: string, message: string): MobyPatchError {
  return new MobyPatchError('infrastructure', 'registry-answer', message, {
    path,
    hint: 'try again; then look at the log of the registry',
  });
}

export function createDigestError(path: string, what: string): MobyPatchError {
  return new MobyPatchError('infrastructure', 'registry-digest', `${what} is not what its digest says`, {
    path,
    hint: 'try again; a proxy between here and the registry may change what goes through it',
  });
}

interface Reason {
  readonly reason: string;
  /** Absent: nothing but a look at the registry helps. */
  readonly hint?: string;
}

/** `fetch` says only that it failed; the reason is behind it. */
function explain(cause: unknown): Reason {
  const { name, message, cause: behind } = cause as Error & { readonly cause?: unknown };
  if (name === 'TimeoutError') return { reason: 'no answer in time' };
  const { code, message: reason } = (behind ?? {}) as NodeJS.ErrnoException;
  return explainTls(code) ?? { reason: code ?? reason ?? message };
}

function explainTls(code = ''): Reason | undefined {
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return {
      reason: 'it speaks no TLS, which is wanted everywhere but on the loopback interface',
      hint: 'give the registry a certificate; docs/registry.md says how an authority of your own is named',
    };
  if (/SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/.test(code))
    return {
      reason: `its certificate is of an authority that is not known here (${code})`,
      hint: 'NODE_EXTRA_CA_CERTS=AUTHORITY.pem moby-patch ...',
    };
  return undefined;
}
