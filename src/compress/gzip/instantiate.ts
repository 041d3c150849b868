import { readFileSync } from 'node:fs';

/** What every module of `libdeflate/` exports; addresses and counts are signed, as all numbers of WebAssembly. */
export interface WithMemory {
  readonly memory: { readonly buffer: ArrayBuffer };
}

// TypeScript declares it with the DOM only.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** A new instance of a module of `libdeflate/`, with memory of its own. */
export function instantiate<Exports extends WithMemory>(name: string): Exports {
  const module = new WebAssembly.Module(readFileSync(new URL(`./libdeflate/${name}.wasm`, import.meta.url)));
  return new WebAssembly.Instance(module).exports as Exports;
}
