// Makes the file that LMDB leaves after it failed to write the meta page of a commit: the new meta page, but
// with the transaction number and the last page of the old one (`mdb_env_write_meta` of LMDB 0.9, also seen

import { readMeta } from '../lmdb/lmdb-page.ts';

const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;

/** Takes the file with the commit and the one before it. Without `before` only the number is put back. */
export function rolledBack(after: Buffer, before: Buffer = after): Buffer {
  const { pageBytes, transaction: first } = readMeta(after, 0);
  const second = readMeta(after.subarray(pageBytes), 1).transaction;
  const at = second > first ? pageBytes : 0;
  const bytes = Buffer.from(after);
  before.copy(bytes, at + LAST_PAGE_AT, at + LAST_PAGE_AT, at + TRANSACTION_AT);
  bytes.writeBigUInt64LE(BigInt(Math.max(0, Math.max(first, second) - 2)), at + TRANSACTION_AT);
  return bytes;
}
