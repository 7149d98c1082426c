// Damage to a data file: flips of every byte in turn, and lost, old, torn or swapped pages.

export type DiskDamage =
  /** One byte, changed by this mask. */
  | { readonly kind: 'flip'; readonly at: number; readonly mask: number }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'append'; readonly length: number; readonly byte: number }
  | { readonly kind: 'zero page'; readonly page: number }
  | { readonly kind: 'swap pages'; readonly page: number; readonly other: number }
  /** The page as it was in an earlier state of the file. */
  | { readonly kind: 'old page'; readonly page: number }
  /** A torn write: the first half of the page is new, the second old. */
  | { readonly kind: 'torn page'; readonly page: number };

export const PAGE_BYTES = 4_096;

/** `old` is an earlier state of the same file, and may be shorter. */
export function damagedFile(file: Uint8Array, old: Uint8Array, damage: DiskDamage): Uint8Array {
  // `slice` of a Buffer would share the bytes.
  const copy = new Uint8Array(file);
  switch (damage.kind) {
    case 'flip':
      copy[damage.at] = (copy[damage.at] ?? 0) ^ damage.mask;
      return copy;
    case 'cut':
      return copy.subarray(0, damage.at);
    case 'append': {
      const longer = new Uint8Array(copy.length + damage.length).fill(damage.byte);
      longer.set(copy);
      return longer;
    }
    case 'zero page':
      copy.fill(0, damage.page * PAGE_BYTES, (damage.page + 1) * PAGE_BYTES);
      return copy;
    case 'swap pages':
      copy.set(pageOf(file, damage.other), damage.page * PAGE_BYTES);
      copy.set(pageOf(file, damage.page), damage.other * PAGE_BYTES);
      return copy;
    case 'old page':
      copy.set(pageOf(old, damage.page), damage.page * PAGE_BYTES);
      return copy;
    case 'torn page':
      copy.set(pageOf(old, damage.page).subarray(PAGE_BYTES / 2), (damage.page + 0.5) * PAGE_BYTES);
      return copy;
  }
}

function pageOf(file: Uint8Array, page: number): Uint8Array {
  return file.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
}

/** Masks, one for each pass over the file: single bits, all bits, then mixed ones. */
const MASKS = [0x01, 0xff, 0x80, 0x02, 0x10, 0x40, 0x08, 0x04, 0x20, 0x55, 0xaa, 0x7f, 0x0f, 0xf0];

/** Returns flip number `number`. Passes go over all positions, each with another mask. */
export function flipOf(number: number, fileBytes: number): DiskDamage {
  const pass = Math.floor(number / fileBytes);
  // The stride shares no factor with a length of whole pages: few flips are spread out, and a pass meets
  // every byte.
  const at = ((number % fileBytes) * 4_099) % fileBytes;
  return { kind: 'flip', at, mask: MASKS[pass % MASKS.length] ?? 1 };
}

/** Generates all damage but flips: some hundred cases, always the same for the same length. */
export function* coarseDamages(fileBytes: number): Generator<DiskDamage> {
  const pages = fileBytes / PAGE_BYTES;
  for (let page = 0; page < pages; page++) {
    yield { kind: 'zero page', page };
    yield { kind: 'old page', page };
    yield { kind: 'torn page', page };
    for (const offset of [0, 1, 16, 100, PAGE_BYTES / 2, PAGE_BYTES - 1]) {
      yield { kind: 'cut', at: page * PAGE_BYTES + offset };
    }
    for (let other = page + 1; other < pages; other += 3) yield { kind: 'swap pages', page, other };
  }
  for (const byte of [0, 0xff, 0x61]) {
    for (const length of [1, 16, PAGE_BYTES - 1, PAGE_BYTES, 10 * PAGE_BYTES])
      yield { kind: 'append', length, byte };
  }
}
