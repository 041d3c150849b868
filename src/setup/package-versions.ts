import { z } from 'zod';

/** Name -> version. Not a `z.record`, which drops the name `__proto__`: the maker of a package chooses its name. */
export const packageVersions = z.custom<Readonly<Record<string, string>>>(isTexts, {
  error: 'expected versions by the names of packages',
});

function isTexts(value: unknown): boolean {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isMap && Object.values(value).every((text) => typeof text === 'string');
}
