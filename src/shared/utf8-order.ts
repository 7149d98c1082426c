// The order of keys in the store: by their bytes in UTF-8.

/**
 * Compares well-formed strings by their UTF-8 bytes, which is the order of their code points. `<` compares
 * UTF-16 units and differs: it puts surrogates (code points from U+10000) before U+E000.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const unitA = a.charCodeAt(index);
    const unitB = b.charCodeAt(index);
    if (unitA !== unitB) return raiseSurrogate(unitA) - raiseSurrogate(unitB);
  }
  return a.length - b.length;
}

function raiseSurrogate(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit;
}
