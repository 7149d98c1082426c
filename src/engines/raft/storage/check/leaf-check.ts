// The check of a leaf's records that leaf-check.wat does, and the memory in which it looks at them. Millions of rows are
// checked at a start, and whenever a whole store comes in.

import { sliceTable } from '../../codec/crc32.ts';
import { LEAF_CHECK_MODULE } from './leaf-check-module.ts';

/** What leaf-check.wat lays out. */
const CHECKSUM_SLICES = 16;
const PAGES_AT = 65_536;
const PAGES_BYTES = 256 * 1024;

/** Node's types do not have what is used of it here. */
declare const WebAssembly: {
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Exports };
};

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  areSound(page: number, pageBytes: number): number;
}

/**
 * The check, for all who check: a memory of WebAssembly takes 10 GiB of address space. Nobody keeps anything in its pages from
 * one step of a check to the next.
 */
export function leafCheck(): LeafCheck {
  shared ??= new LeafCheck(instantiated);
  return shared;
}

let shared: LeafCheck | undefined;

export class LeafCheck {
  /** Where pages are read into. */
  readonly pages: Uint8Array;
  readonly #exports: Exports | undefined;

  /** Where `instantiate` throws, for lack of address space or of WebAssembly, every page is left to others. */
  constructor(instantiate: () => Exports) {
    try {
      this.#exports = instantiate();
    } catch {
      this.pages = new Uint8Array(PAGES_BYTES);
      return;
    }
    const { buffer } = this.#exports.memory;
    new Int32Array(buffer).set(sliceTable(CHECKSUM_SLICES));
    this.pages = new Uint8Array(buffer, PAGES_AT, PAGES_BYTES);
  }

  /**
   * Of the leaf of `pageBytes` that lies in `pages` from `start` on, whole, and whose header is in order: whether its keys
   * ascend and each of its rows lies on the page and matches its seal. Where this is false, `verifyTree` finds the reason, or
   * that all is well: of rows on overflow pages this knows nothing.
   */
  areSound(start: number, pageBytes: number): boolean {
    return this.#exports?.areSound(PAGES_AT + start, pageBytes) === 1;
  }
}

function instantiated(): Exports {
  const module = new WebAssembly.Module(Buffer.from(LEAF_CHECK_MODULE, 'base64'));
  return new WebAssembly.Instance(module).exports;
}
