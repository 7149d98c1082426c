import { transportContract } from './transport.ts';
import { makeTlsMaterial } from './transport-certificates.ts';
import { tcpHarness } from './transport-tcp-harness.ts';

transportContract('TcpTransport', () => tcpHarness());

const tls = makeTlsMaterial();
transportContract('TcpTransport over TLS', () => tcpHarness({ tls }));
