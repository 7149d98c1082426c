// Certificates for tests of TLS, made by the openssl program: Node.js makes keys but no certificates.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TlsMaterial } from '../../src/engines/raft/transport/sockets.ts';

/** Makes a new authority and a certificate that it signed for 127.0.0.1. */
export function makeTlsMaterial(): TlsMaterial {
  const directory = mkdtempSync(path.join(tmpdir(), 'raft3d-tls-'));
  const file = (name: string): string => path.join(directory, name);
  const certify = (name: string, ...more: string[]): void =>
    openssl(
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`), '-subj', `/CN=${name}`],
      more,
    );
  try {
    certify('authority');
    const signed = ['-CA', file('authority.pem'), '-CAkey', file('authority.key')];
    certify('node', ...signed, '-addext', 'subjectAltName=IP:127.0.0.1');
    return {
      key: readFileSync(file('node.key'), 'utf8'),
      cert: readFileSync(file('node.pem'), 'utf8'),
      ca: readFileSync(file('authority.pem'), 'utf8'),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function openssl(...args: readonly string[][]): void {
  try {
    execFileSync('openssl', args.flat(), { stdio: 'pipe' });
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (missing) throw new Error('the tests of TLS need the openssl program: apt-get install openssl');
    throw error;
  }
}
