// What LMDB leaves where it could not write the meta page of a commit: the page as it was to be, with the transaction's number
// and the last page that stood there before (`mdb_env_write_meta` of LMDB 0.9, and seen with a write that was made to fail).

import { readMeta } from '../lmdb/lmdb-page.ts';

const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;

/** `after` is the file with the commit. Without `before`, the one without it, only the number is put back. */
export function takenBack(after: Buffer, before: Buffer = after): Buffer {
  const { pageBytes, transaction: first } = readMeta(after, 0);
  const second = readMeta(after.subarray(pageBytes), 1).transaction;
  const at = second > first ? pageBytes : 0;
  const bytes = Buffer.from(after);
  before.copy(bytes, at + LAST_PAGE_AT, at + LAST_PAGE_AT, at + TRANSACTION_AT);
  bytes.writeBigUInt64LE(BigInt(Math.max(0, Math.max(first, second) - 2)), at + TRANSACTION_AT);
  return bytes;
}
