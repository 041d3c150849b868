import { MobyPatchError } from '../model/error/error.js';
import { isLoopback, type Reference } from './reference.js';

/** No answer, or none in time. `what`: `the manifest`. */
export function createUnreachableError(
  { text, host }: Reference,
  what: string,
  cause: unknown,
): MobyPatchError {
  const message = `the registry ${host} did not give ${what}: ${explain(cause)}`;
  return new MobyPatchError('infrastructure', 'registry-unreachable', message, {
    path: text,
    cause,
    hint: `curl -sS ${isLoopback(host) ? 'http' : 'https'}://${host}/v2/`,
  });
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

/** `fetch` says only that it failed; the reason is behind it. */
function explain(cause: unknown): string {
  const { name, message, cause: behind } = cause as Error & { readonly cause?: unknown };
  if (name === 'TimeoutError') return 'no answer in time';
  const { code, message: reason } = (behind ?? {}) as NodeJS.ErrnoException;
  return code ?? reason ?? message;
}
