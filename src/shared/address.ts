// Network addresses as people write them: host:port, :port, [v6]:port.

import { CodedError } from './coded-error.ts';

export interface Address {
  /** A name or an IP address without brackets. Only for listening: empty means every address of this host. */
  readonly host: string;
  /** 0 to 65535. Only for listening: 0 asks the system for a free port. */
  readonly port: number;
}

export const MAX_ADDRESS_CHARACTERS = 300;
const MAX_PORT = 65_535;

/** The addresses that a node may ask others to dial, as a regular expression of the API's contract. */
export const DIALABLE_PATTERN = '^(?:\\[[0-9A-Fa-f:.%a-z]+\\]|[A-Za-z0-9._-]+):[0-9]{1,5}$';
const DIALABLE = new RegExp(DIALABLE_PATTERN);

const ADDRESS = /^(?:\[(?<bracketed>[^\]]*)\]|(?<plain>[^:[\]]*)):(?<port>\d{1,5})$/;
/** Host names and IPv4 addresses. Names with an underscore exist on shop networks. */
const HOST = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})$/;
/** A text between brackets with an optional zone (fe80::1%eth0). The system checks the rest. */
const IPV6_HOST = /^(?=[^%]*:)[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9._-]{1,32})?$/;

/** Reads `host:port`, `:port` or `[v6]:port`. Throws CodedError `bad_address` for anything else. */
export function parseAddress(text: string): Address {
  const groups = text.length <= MAX_ADDRESS_CHARACTERS ? ADDRESS.exec(text)?.groups : undefined;
  if (groups === undefined) throw badAddress(text, 'write it as host:port, :port or [v6]:port');

  const { bracketed, plain } = groups;
  if (bracketed !== undefined && !IPV6_HOST.test(bracketed)) {
    throw badAddress(text, `${JSON.stringify(bracketed)} is no IPv6 address`);
  }
  if (plain !== undefined && plain !== '' && !HOST.test(plain)) {
    throw badAddress(text, `${JSON.stringify(plain)} is no host name or IPv4 address`);
  }
  const port = Number(groups.port);
  if (port > MAX_PORT) throw badAddress(text, `the port must be at most ${MAX_PORT}`);
  return { host: bracketed ?? plain ?? '', port };
}

/** Whether a node may ask others to dial this address. The host is checked by dialling it. */
export function isDialable(text: string): boolean {
  if (text.length > MAX_ADDRESS_CHARACTERS || !DIALABLE.test(text)) return false;
  const port = Number(text.slice(text.lastIndexOf(':') + 1));
  return port >= 1 && port <= MAX_PORT;
}

/** Returns the text that parseAddress reads as the same address. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function badAddress(text: string, advice: string): CodedError {
  const shown = text.slice(0, MAX_ADDRESS_CHARACTERS);
  return new CodedError('bad_address', `${JSON.stringify(shown)} is no address: ${advice}`, {
    fields: { address: shown },
  });
}
