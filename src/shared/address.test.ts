import { expect, test } from 'vitest';
import { formatAddress, isDialable, parseAddress } from './address.ts';

test.each([
  ['127.0.0.1:7000', '127.0.0.1', 7000],
  ['printer-host.shop.example:1', 'printer-host.shop.example', 1],
  ['my_host:65535', 'my_host', 65_535],
  [':8080', '', 8080],
  ['localhost:0', 'localhost', 0],
  ['[::1]:7000', '::1', 7000],
  ['[fe80::1%eth0]:7000', 'fe80::1%eth0', 7000],
  ['[::ffff:10.0.0.1]:80', '::ffff:10.0.0.1', 80],
])('%s is parsed into host and port, and formatted back', (text, host, port) => {
  expect(parseAddress(text)).toEqual({ host, port });
  expect(formatAddress({ host, port })).toBe(text);
});

test.each([
  '',
  ':',
  'localhost',
  'localhost:',
  'localhost:http',
  'localhost:65536',
  'localhost:-1',
  'localhost:1 ',
  ' localhost:1',
  'local host:1',
  '::1:7000',
  '[::1]',
  '[]:80',
  '[localhost]:80',
  '[::1%]:80',
  'http://localhost:80',
  '-host:80',
  `${'a'.repeat(400)}:80`,
])('%j is refused as a bad address', (text) => {
  expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'bad_address' }));
});

test.each(['a:1', '127.0.0.1:65535', '[::1]:7001', '[fe80::1%eth0]:1', 'my_host-1.example:80'])(
  'a node may ask others to dial %s',
  (text) => {
    expect(isDialable(text)).toBe(true);
  },
);

test.each(['', ':8080', 'a', 'a:0', 'a:65536', 'http://a:1', '[::1]', `${'a'.repeat(300)}:1`])(
  'a node may not ask others to dial %j',
  (text) => {
    expect(isDialable(text)).toBe(false);
  },
);
