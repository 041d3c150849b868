import { quoteShell } from '../format/kind/file-kind.js';
import { MobyPatchError } from '../model/error/error.js';
import { formatSecretFlag, type SecretSources } from '../setup/secrets.js';

/** What a command of the installed image may name. */
export interface NamedFlags {
  readonly image?: string | undefined;
  readonly config?: string | undefined;
  readonly patches?: readonly string[] | undefined;
  readonly settings?: Readonly<Record<string, string>> | undefined;
  readonly secrets?: SecretSources | undefined;
  readonly compression?: string | undefined;
  readonly level?: number | undefined;
  readonly mode?: string | undefined;
  readonly singleMember?: boolean | undefined;
  readonly kernel?: string | undefined;
  readonly verify?: boolean | undefined;
}

/** What the user must add to a command, since nothing on this machine knows it. */
export interface Lacks {
  /** No patches were named, and none were applied before. */
  readonly lacksPatches?: boolean;
  /** No kernel is known that could boot the image. */
  readonly lacksKernel?: boolean;
}

export interface NextOptions extends Lacks {
  /** What the user named: the command is for the same image, configuration and patches. */
  readonly request: NamedFlags;
}

/** The commands of a hint, to be typed as they are; what only the user knows has capital letters. */
export function completeCommands(
  next: string | undefined,
  { request, lacksPatches = false, lacksKernel = false }: NextOptions,
): string | undefined {
  const target = [...flag('-i', request.image), ...flag('-c', request.config)];
  const wanted = [
    ...list('-p', request.patches),
    ...(lacksPatches ? ['-p PATCH'] : []),
    ...list(
      '-s',
      Object.entries(request.settings ?? {}).map(([name, value]) => `${name}=${value}`),
    ),
    ...list(
      '--secret',
      Object.entries(request.secrets ?? {}).map(([name, source]) => formatSecretFlag(name, source)),
    ),
    ...flag('--compression', request.compression),
    ...flag('--level', request.level),
    ...flag('--mode', request.mode),
    ...(request.singleMember ? ['--single-member'] : []),
    ...flag('--kernel', request.kernel),
    ...(request.verify === false ? ['--no-verify'] : lacksKernel ? ['--kernel FILE'] : []),
  ];
  return next?.replaceAll(/moby-patch (apply|reapply|restore)\b/g, (command, verb) =>
    [command, ...target, ...(verb === 'restore' ? [] : wanted)].join(' '),
  );
}

/** The same error with commands that can be typed as they are. */
export function completeHint(error: unknown, options: NextOptions): unknown {
  if (!(error instanceof MobyPatchError) || error.hint === undefined) return error;
  const hint = completeCommands(error.hint, options);
  if (hint === error.hint) return error;
  const { kind, code, message, path, offset, problems } = error;
  return new MobyPatchError(kind, code, message, { hint, path, offset, problems, cause: error });
}

function flag(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [`${name} ${quoteShell(String(value))}`];
}

function list(name: string, values: readonly string[] | undefined): string[] {
  return (values ?? []).flatMap((value) => flag(name, value));
}
