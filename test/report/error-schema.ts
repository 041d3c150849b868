import { z } from 'zod';
import { error } from './shared-schemas.js';

/** What `--json` prints when a command fails before it has a result. */
export const errorSchema = z.strictObject({ failed: z.literal(true), error });
