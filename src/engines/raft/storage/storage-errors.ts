// What LMDB and the file system say went wrong, in the two words that the port has for it.

import { CodedError } from '../../../shared/coded-error.ts';

const ENOSPC = 28;
const EIO = 5;
const EDQUOT = 122;
const MDB_MAP_FULL = -30_792;

/** LMDB's number for an error, or the system's; undefined where there is none. */
export function numberOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'number') return error.code;
  if ('errno' in error && typeof error.errno === 'number') return Math.abs(error.errno);
  return undefined;
}

/** A write that was cut short is reported as EIO: that is lack of room only where there is hardly any. */
export function isForLackOfRoom(error: unknown, isNearlyFull: () => boolean): boolean {
  const number = numberOf(error);
  if (number === ENOSPC || number === EDQUOT || number === MDB_MAP_FULL) return true;
  return number === EIO && isNearlyFull();
}

export function diskFull(directory: string, cause?: unknown): CodedError {
  return new CodedError('disk_full', `no room for ${directory}: make room on its file system`, {
    fields: { directory },
    cause,
  });
}

export function storageFailed(directory: string, cause: unknown): CodedError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CodedError(
    'storage_failed',
    `writing to ${directory} failed (${reason}): the node cannot go on; check the disk, then start it again`,
    { fields: { directory }, cause },
  );
}

/**
 * What is thrown for what a read threw. Where LMDB could not write a meta page it reads nothing more, and says so before the
 * write hears that it failed.
 */
export function explainRead(directory: string, cause: unknown): unknown {
  const isForAFailedWrite = cause instanceof Error && cause.message.includes('MDB_PANIC');
  return isForAFailedWrite ? storageFailed(directory, cause) : cause;
}

/** `file`: a file of the data directory, or the directory itself. */
export function storeDamaged(file: string, directory: string, cause: Error): CodedError {
  return new CodedError(
    'store_damaged',
    `${file} is damaged (${cause.message}). Move ${directory} away and start the node with -clean -join ` +
      'and the address of another member: it is rebuilt from the others',
    { fields: { file, reason: cause.message }, cause },
  );
}
