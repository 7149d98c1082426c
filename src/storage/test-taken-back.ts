// What LMDB leaves where it could not write the meta page of a commit: the page as it was to be, with the transaction's number
// and the last page that stood there before (`mdb_env_write_meta` of LMDB 0.9, and seen with a write that was made to fail).

import { readMeta } from './lmdb-page.ts';

const LAST_PAGE_AT = 144;
const META_END = 160;

/** `after` is the file with the commit, `before` the one without. */
export function takenBack(after: Buffer, before: Buffer): Buffer {
  const { pageBytes, transaction } = readMeta(after, 0);
  const other = readMeta(after.subarray(pageBytes), 1).transaction;
  const at = other > transaction ? pageBytes : 0;
  const bytes = Buffer.from(after);
  before.copy(bytes, at + LAST_PAGE_AT, at + LAST_PAGE_AT, at + META_END);
  return bytes;
}
