import type { When } from '../patch/condition.js';

/** What a good boot shows: one thing. */
type Shown =
  /** A line of the console that matches this regular expression. */
  | { readonly console: string }
  /** A path that exists in the guest; `content`: its exact text. */
  | { readonly file: string; readonly content?: string | undefined }
  /** A service that runs, by its name in the init system; without one, a process of that name. */
  | { readonly service: string }
  /** A mount point, with a file system of this type. */
  | { readonly mount: string; readonly type?: string | undefined }
  /** A TCP port that takes a connection from this machine. `answer`: a regular expression of what comes over it. */
  | {
      readonly port: number;
      readonly send?: string | undefined;
      readonly answer?: string | undefined;
    }
  /** A command of the guest's shell: its exit code (default 0), a regular expression of its output. */
  | { readonly command: string; readonly exit?: number | undefined; readonly output?: string | undefined }
  /** No service that the init system calls failed, but for `except`. `false`: failed services are only shown. */
  | { readonly 'no-failed-services': boolean; readonly except?: readonly string[] | undefined }
  /** The guest ends by itself. */
  | { readonly poweroff: true }
  /** MiB that are in use when the system is up. */
  | { readonly 'memory-below': number };

/** `within`: seconds of the guest's time until it holds; alone, until the system is up. */
export type Expectation = (Shown | { readonly within: number }) & {
  readonly within?: number | undefined;
  /** Otherwise it is left out. */
  readonly when?: When | undefined;
  /** The id of the patch that expects it; absent for what a command line or a configuration does. */
  readonly patch?: string | undefined;
  /** Of its regular expression. */
  readonly at?: { readonly file: string; readonly line: number; readonly column: number } | undefined;
};

const kinds = [
  'console',
  'file',
  'service',
  'mount',
  'port',
  'command',
  'no-failed-services',
  'poweroff',
  'memory-below',
  'within',
] as const;

export type ExpectationKind = (typeof kinds)[number];

export function kindOf(expectation: Expectation): ExpectationKind {
  return kinds.find((kind) => kind in expectation) ?? 'within';
}

/** Kinds that show that something works: what met one of them is no program that does nothing. */
const telling: ReadonlySet<ExpectationKind> = new Set([
  'console',
  'file',
  'service',
  'mount',
  'port',
  'command',
]);

export function isTelling(expectation: Expectation): boolean {
  return telling.has(kindOf(expectation));
}

/** A few words for a table: `service sshd`, `/login:/ on the console`. */
export function nameExpectation(expectation: Expectation): string {
  const name = nameShown(expectation);
  return expectation.within === undefined || kindOf(expectation) === 'within'
    ? name
    : `${name} within ${expectation.within} s`;
}

/** The same without its time. */
export function nameShown(expectation: Expectation): string {
  if ('console' in expectation) return `console ${expectation.console}`;
  if ('file' in expectation) return `file ${expectation.file}`;
  if ('service' in expectation) return `service ${expectation.service}`;
  if ('mount' in expectation) return `mount ${expectation.mount}`;
  if ('port' in expectation) return `port ${expectation.port}`;
  if ('command' in expectation) return `command ${expectation.command}`;
  if ('no-failed-services' in expectation) return 'no failed services';
  if ('poweroff' in expectation) return 'power-off';
  if ('memory-below' in expectation) return `memory below ${expectation['memory-below']} MiB`;
  return `system up within ${expectation.within} s`;
}

/**
 * `no-failed-services` holds unless something else is said of it, or the guest is to end by itself. Whoever allows some to
 * fail knows of them alone: they are allowed together, as one expectation.
 */
export function addDefaults(expects: readonly Expectation[]): readonly Expectation[] {
  const said = expects.filter((expectation) => 'no-failed-services' in expectation);
  const [first] = said;
  if (first === undefined)
    return expects.some((expectation) => 'poweroff' in expectation)
      ? expects
      : [...expects, { 'no-failed-services': true }];
  const isStrict = said.every((each) => each['no-failed-services']);
  const except = said.flatMap((each) => each.except ?? []);
  const together =
    said.length === 1 ? first : { 'no-failed-services': isStrict, ...(isStrict && { except }) };
  return expects.flatMap((expectation): Expectation[] => {
    if (!('no-failed-services' in expectation)) return [expectation];
    return expectation === first ? [together] : [];
  });
}
