import { z } from 'zod';

/** A text, or what YAML reads as a number or a truth value: `22` is the text "22". `longest`: characters of a text. */
export function createScalar(longest?: number) {
  const text = longest === undefined ? z.string() : z.string().max(longest);
  return z.union([text, z.number().transform(String), z.boolean().transform(String)]);
}

/** Entries of a list, which is one text with commas on the command line. */
export function createEntries(longest?: number) {
  return z.array(
    createScalar(longest).refine((entry) => !entry.includes(','), {
      error: 'expected an entry without a comma',
    }),
  );
}
