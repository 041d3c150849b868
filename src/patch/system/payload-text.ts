import { collectBytes } from '../../io/collect.js';
import { createStepError, type StepContext } from './step-context.js';

/** Bytes of a file of the patch folder that a step has in memory. */
export const largestPayload = 64 * 1024 * 1024;

/** A file of the patch folder. Error: `file-too-large`. */
export async function readPayload(context: StepContext, name: string): Promise<Uint8Array> {
  const content = context.payload.get(name);
  return content === undefined ? new Uint8Array() : collectBytes(content.body(), largestPayload, name);
}

/** A file of the patch folder as text. Errors (`failed`): `payload-text`, when it is not UTF-8; `file-too-large`. */
export async function readPayloadText(context: StepContext, name: string): Promise<string> {
  const bytes = await readPayload(context, name);
  const text = Buffer.from(bytes).toString('utf8');
  if (Buffer.from(text).equals(bytes)) return text;
  throw createStepError(
    context,
    'payload-text',
    `${name}: found bytes that are not UTF-8, wanted a text file`,
  );
}
