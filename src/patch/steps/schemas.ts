import { z } from 'zod';

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

function normalizePath(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

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
export const ownerId = z.int().min(0).max(0xfffffffe);

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

export const storesSecret = z
  .boolean()
  .default(false)
  .describe(
    'Whether the image may hold the secrets that this step gets. Otherwise a build with them in it fails.',
  );

/** Names and values of environment variables. */
export const environment = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'expected the name of a variable' }),
  z.string(),
);
