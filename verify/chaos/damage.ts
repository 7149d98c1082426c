// Damages bytes of a data file while its node is down.

import fs from 'node:fs';
import type { Draws } from '../kit/draws.ts';

const PAGE_BYTES = 4_096;
const META_PAGES = 2;
/** A text in every log entry and row of a job. */
const TEXT_IN_ROWS = 'benchy.gcode';
const SECTOR_BYTES = 512;
const ATTEMPTS = 1_000;
/** Many: some rows belong to earlier transactions, which are not read any more. */
const DAMAGED_ROWS = 20;
const KINDS = { bit: 3, rows: 4, 'a meta page': 1, 'a sector of zeros': 1, 'cut off': 1 };

/** Changes a store's data file of at least two pages in place. Returns a description. */
export function damageFile(file: string, draws: Draws): string {
  const bytes = fs.readFileSync(file);
  const kind = draws.weighted(KINDS);
  switch (kind) {
    case 'bit':
      return flipOne(file, bytes, { at: findUsed(bytes, draws), draws, where: 'used bytes' });
    case 'rows':
      for (let count = 0; count < DAMAGED_ROWS; count += 1) {
        const row = bytes.indexOf(TEXT_IN_ROWS, draws.below(bytes.length));
        const at = row === -1 ? findUsed(bytes, draws) : row + draws.below(TEXT_IN_ROWS.length);
        flipBit(bytes, at, draws);
      }
      fs.writeFileSync(file, bytes);
      return `a bit in each of ${DAMAGED_ROWS} rows`;
    case 'a meta page': {
      const at = findUsed(bytes.subarray(0, META_PAGES * PAGE_BYTES), draws);
      return flipOne(file, bytes, { at, draws, where: 'a meta page' });
    }
    case 'a sector of zeros': {
      const at = Math.floor(findUsed(bytes, draws) / SECTOR_BYTES) * SECTOR_BYTES;
      bytes.fill(0, at, at + SECTOR_BYTES);
      fs.writeFileSync(file, bytes);
      return `zeros in ${SECTOR_BYTES} bytes at ${at}`;
    }
    case 'cut off': {
      const length = draws.below(bytes.length);
      fs.truncateSync(file, length);
      return `cut off at ${length} of ${bytes.length} bytes`;
    }
  }
}

function flipOne(
  file: string,
  bytes: Buffer,
  { at, draws, where }: { at: number; draws: Draws; where: string },
): string {
  const bit = flipBit(bytes, at, draws);
  fs.writeFileSync(file, bytes);
  return `bit ${bit} at ${at} of ${bytes.length} bytes, in ${where}`;
}

/** Returns the number of the bit. */
function flipBit(bytes: Buffer, at: number, draws: Draws): number {
  const bit = draws.below(8);
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
  return bit;
}

/** Returns the place of a byte that is most likely not zero. */
function findUsed(bytes: Buffer, draws: Draws): number {
  let at = draws.below(bytes.length);
  for (let attempt = 0; attempt < ATTEMPTS && bytes[at] === 0; attempt += 1) at = draws.below(bytes.length);
  return at;
}
