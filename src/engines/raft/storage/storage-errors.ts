// Turns errors of LMDB and of the file system into the coded errors of the port.

import { asError, CodedError } from '../../../shared/coded-error.ts';

const ENOSPC = 28;
const EIO = 5;
const EDQUOT = 122;
const MDB_MAP_FULL = -30_792;

/** A short write is reported as EIO: it means a full disk only when hardly any space is left. */
export function isOutOfSpace(error: unknown, isNearlyFull = () => false): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errno } = error as Error & { readonly code?: unknown; readonly errno?: unknown };
  // LMDB's errors have a number as their code, the system's errors have it in `errno`, negative.
  const number = typeof code === 'number' ? code : Math.abs(Number(errno));
  return [ENOSPC, EDQUOT, MDB_MAP_FULL].includes(number) || (number === EIO && isNearlyFull());
}

export function diskFull(directory: string, cause?: unknown): CodedError {
  return new CodedError('disk_full', `no space for ${directory}: free some on its file system`, {
    fields: { directory },
    cause,
  });
}

/** Returns true for an error of this module that says that the disk is full. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof CodedError && error.code === 'disk_full';
}

export function storageFailed(directory: string, cause: unknown): CodedError {
  return new CodedError(
    'storage_failed',
    `writing to ${directory} failed (${asError(cause).message}): the node must stop; check the disk, then start it again`,
    { fields: { directory }, cause },
  );
}

/**
 * Returns the error to throw for an error of a read. After LMDB failed to write a meta page it refuses all
 * reads (MDB_PANIC), even before the failed write is reported.
 */
export function readError(directory: string, cause: unknown): unknown {
  const isForAFailedWrite = cause instanceof Error && cause.message.includes('MDB_PANIC');
  return isForAFailedWrite ? storageFailed(directory, cause) : cause;
}

/** Returns the error for damage in `file`: a file of the data directory, or the directory itself. */
export function storeDamaged(file: string, directory: string, cause: Error): CodedError {
  return new CodedError(
    'store_damaged',
    `${file} is damaged (${cause.message}). Move ${directory} away and start the node with -clean -join ` +
      'and the address of another member: it is rebuilt from the others',
    { fields: { file, reason: cause.message }, cause },
  );
}
