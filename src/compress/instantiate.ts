import { readFileSync } from 'node:fs';

/** What every module of WebAssembly here exports; addresses and counts are signed, as all its numbers. */
export interface WithMemory {
  readonly memory: { readonly buffer: ArrayBuffer };
}

// TypeScript declares it with the DOM only.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

const modules = new Map<string, object>();

/** A new instance of the module in a file, with memory of its own. */
export function instantiate<Exports extends WithMemory>({ href }: URL): Exports {
  const module = modules.get(href) ?? new WebAssembly.Module(readFileSync(new URL(href)));
  modules.set(href, module);
  return new WebAssembly.Instance(module).exports as Exports;
}
