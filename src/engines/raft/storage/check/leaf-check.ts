// Checks leaves in WebAssembly: three nodes of 920,000 jobs serve 1.2 s after all were killed instead of 1.5
// s.
//
// A start checks every row, and so does an incoming image. JavaScript takes half as much processor time
// again: 440 ms instead of 290 for 200 MB, much of it before V8 has compiled the check. The code is in
// leaf-check.wat; `npm run wasm` makes leaf-check-module.ts of it.

import { sliceTable } from '../../codec/crc32.ts';
import { LEAF_CHECK_MODULE } from './leaf-check-module.ts';

/** The layout of memory in leaf-check.wat. */
const CHECKSUM_SLICES = 16;
const PAGES_AT = 65_536;
const PAGES_BYTES = 256 * 1024;

/** The part of WebAssembly that is used here; Node's types do not have it. */
declare const WebAssembly: {
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Exports };
};

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  areSound(page: number, pageBytes: number): number;
}

/**
 * Returns the only instance: a memory of WebAssembly takes 10 GiB of address space. Its pages must not be
 * used from one step of a check to the next.
 */
export function leafCheck(): LeafCheck {
  shared ??= new LeafCheck(instantiated);
  return shared;
}

let shared: LeafCheck | undefined;

/** For tests: they check without WebAssembly. */
export class LeafCheck {
  /** The memory that pages are read into. */
  readonly pages: Uint8Array;
  readonly #exports: Exports | undefined;

  /** If `instantiate` throws, for lack of address space or of WebAssembly, no leaf is sound. */
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
   * Returns whether the keys of a leaf ascend and each row is on the page and matches its seal. The leaf is
   * in `pages` from `start` on, and its header was checked. If not, `verifyTree` finds the damage, or that
   * the leaf has overflow pages.
   */
  areSound(start: number, pageBytes: number): boolean {
    return this.#exports?.areSound(PAGES_AT + start, pageBytes) === 1;
  }
}

function instantiated(): Exports {
  const module = new WebAssembly.Module(Buffer.from(LEAF_CHECK_MODULE, 'base64'));
  return new WebAssembly.Instance(module).exports;
}
