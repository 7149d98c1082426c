// The PEM files for the connections between nodes.

import { readFileSync } from 'node:fs';
import type { TlsFiles } from '../config/flags.ts';
import type { TlsMaterial } from '../engines/raft/transport/sockets.ts';
import { CodedError } from '../shared/coded-error.ts';

/** Throws CodedError `tls_file_unreadable`. */
export function readTlsFiles({ certFile, keyFile, caFile }: TlsFiles): TlsMaterial {
  return { certificate: readPem(certFile), key: readPem(keyFile), authority: readPem(caFile) };
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const message = `cannot read ${file}: give a PEM file that this user may read`;
    throw new CodedError('tls_file_unreadable', message, { cause });
  }
}
