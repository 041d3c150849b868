import { createScratch } from '../io/place/scratch.js';
import type { ScannedImage } from '../unpack/collector.js';

/** An image in a folder that goes when the image is closed. */
export async function withScratch<T extends ScannedImage>(open: (folder: string) => Promise<T>): Promise<T> {
  const scratch = await createScratch();
  try {
    const image = await open(scratch.path);
    return {
      ...image,
      async [Symbol.asyncDispose]() {
        await image[Symbol.asyncDispose]();
        await scratch[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}
