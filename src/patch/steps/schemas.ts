import { z } from 'zod';
import { type AlternativesRule, describeAlternatives } from '../../yaml/alternatives.js';

// Schemas that several kinds of steps share.

/** A path in the image, in canonical form: no leading slash, no `.`, no doubled slash. A leading slash is accepted. */
export const imagePath = z
  .string()
  .superRefine((path, context) => {
    const found = explainPath(path);
    if (found) context.addIssue({ code: 'custom', message: `expected a path in the image, found ${found}` });
  })
  .transform(normalizePath)
  .describe('A path in the image.');

function explainPath(path: string): string | undefined {
  const parts = path.split('/');
  if (path.includes('\0')) return 'a NUL byte in it';
  if (parts.includes('..')) return 'a ".." in it';
  if (parts.some((part) => Buffer.byteLength(part) > 255)) return 'a name of more than 255 bytes in it';
  // The kernel reads a name of at most 4096 bytes, NUL included, from an archive.
  if (Buffer.byteLength(path) > 4095) return 'more than 4095 bytes';
  return normalizePath(path) === '' ? 'the root itself' : undefined;
}

/** A path of the running system: a slash in front, no control character, and else what `imagePath` takes; / is the root. */
export const systemPath = z
  .string()
  .regex(/^\//, { error: 'expected a path that begins with /' })
  .superRefine((path, context) => {
    const found = path.startsWith('/') ? explainSystemPath(path) : undefined;
    if (found) context.addIssue({ code: 'custom', message: `expected a path of the system, found ${found}` });
  });

/** What is wrong with a path of the running system; undefined for a right one. */
export function explainSystemPath(path: string): string | undefined {
  if (!path.startsWith('/')) return 'no / in front';
  if (/\p{Cc}/u.test(path)) return 'a control character in it';
  return normalizePath(path) === '' ? undefined : explainPath(path);
}

function normalizePath(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

/** A directory in the image; the root itself is empty. */
export const imageFolder = z
  .string()
  .min(1, { error: 'expected a path in the image, or /' })
  .superRefine((path, context) => {
    const found = normalizePath(path) === '' ? undefined : explainPath(path);
    if (found) context.addIssue({ code: 'custom', message: `expected a path in the image, found ${found}` });
  })
  .transform(normalizePath)
  .describe('A directory in the image, or / for the root.');

/** A path inside the patch folder. */
export const payloadPath = z
  .string()
  .min(1)
  .max(4095)
  .refine(
    (path) =>
      !path.startsWith('/') &&
      !path.includes('\\') &&
      !path.includes('\0') &&
      !path.split('/').includes('..'),
    { error: 'expected a file inside the patch folder, found a path that leads out of it' },
  )
  .describe('A file of the patch folder.');

/** Permission bits; a parameter can only give a text, of octal digits. */
export const mode = z
  .union([
    z.int().min(0).max(0o7777),
    z
      .string()
      .regex(/^(0o?)?[0-7]{3,4}$/, { error: 'expected a mode such as "0755"' })
      .transform((text) => Number.parseInt(text.replace('0o', ''), 8)),
  ])
  .describe('Permission bits, written as 0o755.');

/** The largest id of newc is 0xffffffff, which the kernel turns into 0. */
const ownerId = z
  .int()
  .refine((id) => id >= 0 && id <= 0xfffffffe, { error: 'expected a number from 0 to 4294967294' });

/** An id of an account in the image; a parameter can only give a text, of digits. */
export const accountId = z.union([
  ownerId,
  z
    .string()
    .regex(/^\d{1,9}$/, { error: 'expected a number' })
    .transform(Number),
]);

/** What shadow's useradd and busybox's adduser both take. */
const account = '[A-Za-z_][A-Za-z0-9_.-]{0,30}[A-Za-z0-9_.$-]?';

/** The name of a user or a group. */
export const accountName = z.string().regex(new RegExp(`^${account}$`), {
  error: 'expected a name of at most 32 letters, digits and _ . -, which begins with a letter',
});

/** The keys by which steps take an owner; `refuseBoth` belongs to them. */
export const ownership = {
  uid: accountId.optional().describe('The number of the user; 0 by default.'),
  gid: accountId.optional().describe('The number of the group; 0 by default.'),
  owner: z
    .string()
    .regex(new RegExp(`^(?=.)(${account})?(:${account})?$`), {
      error: 'expected USER, USER:GROUP or :GROUP',
    })
    .optional()
    .describe(
      'The user and the group by name, as the image has them then: USER:GROUP, :GROUP, or USER with its own group.',
    ),
};

interface Ownership {
  readonly uid?: unknown;
  readonly gid?: unknown;
  readonly owner?: unknown;
}

export const refuseBoth: [(value: Ownership) => boolean, { path: PropertyKey[]; error: string }] = [
  ({ uid, gid, owner }) => owner === undefined || (uid === undefined && gid === undefined),
  { path: ['owner'], error: 'expected no "owner" beside "uid" and "gid"' },
];

interface Source {
  readonly from?: unknown;
  readonly content?: unknown;
}

type Rule<Key extends string> = [(value: { readonly [K in Key]?: unknown }) => boolean, AlternativesRule];

/** Refuses a step that has none of these keys, or several. */
export function oneOf<Key extends string>(...keys: readonly Key[]): Rule<Key> {
  return [
    (value) => keys.filter((key) => value[key] !== undefined).length === 1,
    describeAlternatives('one', keys),
  ];
}

/** Refuses a step that has none of these keys. */
export function someOf<Key extends string>(...keys: readonly Key[]): Rule<Key> {
  return [
    (value) => keys.some((key) => value[key] !== undefined),
    describeAlternatives('at least one', keys),
  ];
}

/** Of steps whose text is in the patch, or in a file beside it. */
export const oneSource = oneOf('from', 'content');

export const templateOfFile: [
  (value: Source & { readonly template: boolean }) => boolean,
  { path: PropertyKey[]; error: string },
] = [
  ({ from, template }) => !template || from !== undefined,
  {
    path: ['template'],
    error: 'expected no "template" beside "content": a content is always filled in',
  },
];

/** A name of RFC 1123, of one part or several. */
export const hostNamePattern =
  /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)*$/;

export const hostName = z
  .string()
  .max(253)
  .regex(hostNamePattern, { error: 'expected a host name: letters, digits, - and dots' });

/** Characters of a script or an argument: a kernel takes 128 KiB for one (MAX_ARG_STRLEN). */
export const longestCommandText = 65536;

/** A text that stands on one line of a file. */
export const singleLine = z
  .string()
  .max(65536)
  .regex(/^[^\n\r\0]*$/, { error: 'expected one line' });

/** The compiler of expressions takes time that grows faster than their length. */
const longestPattern = 4096;

/** A regular expression in which ^ and $ match at every line. */
export const regularExpression = z
  .string()
  .min(1)
  .max(longestPattern)
  .refine((text) => text.length > longestPattern || isPattern(text), {
    error: 'expected a regular expression that JavaScript understands',
  });

function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'gmu') instanceof RegExp;
  } catch {
    return false;
  }
}

export const template = z
  .boolean()
  .default(false)
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the notation itself
  .describe('Whether placeholders such as ${name} are replaced in the file that "from" names.');

/** A whole number; a parameter can only give a text, of digits. */
export const wholeNumber = (minimum: number, maximum: number) =>
  z.union([
    z.int().min(minimum).max(maximum),
    z
      .string()
      .regex(/^\d{1,9}$/, { error: 'expected a whole number' })
      .transform(Number)
      .refine((value) => value >= minimum && value <= maximum, {
        error: `expected a number from ${minimum} to ${maximum}`,
      }),
  ]);

/** The name of an init script or a runlevel, which a shell reads as one word. */
export const serviceName = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$/, { error: 'expected a name of letters, digits and _ . @ + -' });

/** One field of an fstab line: no comment sign at its start, no control characters. */
export const fstabField = z
  .string()
  .min(1)
  .max(4095)
  .regex(/^[^#\p{Cc}][^\p{Cc}]*$/u, {
    error: 'expected a text without control characters that does not begin with #',
  });

/** What a file was when the step was written. */
export const was = z
  .union([
    z.string().regex(/^[0-9a-f]{64}$/),
    payloadPath.refine((name) => !/^[0-9a-fA-F]{32,}$/.test(name), {
      error: 'expected a sha256 of 64 digits from 0 to f, or a file of the patch folder',
    }),
  ])
  .optional()
  .describe(
    'The file of the image that the step was written for: its sha256, or a copy of it in the patch folder. Another file stops the build.',
  );

/** The copy that `was` names. */
export function listPinned({ was: pinned }: { readonly was?: string | undefined }) {
  return pinned === undefined || isDigest(pinned) ? [] : [{ name: pinned, template: false }];
}

export function isDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

export const storesSecret = z
  .boolean()
  .default(false)
  .describe(
    'Whether the image may hold the secrets that this step gets. Otherwise a build with them in it fails.',
  );

export function mayStore(value: { readonly 'stores-secret': boolean }): boolean {
  return value['stores-secret'];
}

/** What a command gets: a system ends each text at a NUL. */
export const commandText = (longest: number) =>
  z
    .string()
    .max(longest)
    .regex(/^[^\0]*$/, { error: 'expected a text without a NUL byte' });

/** Names and values of environment variables. */
export const environment = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'expected the name of a variable' }),
  commandText(longestCommandText),
);
