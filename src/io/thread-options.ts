/** For a thread that works on buffers: its objects are messages, and V8 would let 48 MiB of them gather. */
export const threadOptions = { resourceLimits: { maxYoungGenerationSizeMb: 4 } } as const;
