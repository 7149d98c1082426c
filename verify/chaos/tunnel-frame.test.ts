import { expect, test } from 'vitest';
import { completeChecksum, destinationOf } from './tunnel-frame.ts';

const VXLAN = '0800000000000100';
const ETHERNET = '0200000001120200000001110800';
/** A SYN from 10.231.0.11:8080 to 10.231.0.12:7000, with 3 bytes of data, and the checksum given. */
const segment = (checksum: string) =>
  Buffer.from(
    `${VXLAN}${ETHERNET}4500002b000040004006257a0ae7000b0ae7000c1f901b58000000010000000050020200${checksum}0000616263`,
    'hex',
  );
/** Before the padding that Ethernet adds. */
const CHECKSUM_AT = 8 + 14 + 20 + 16;

/** Sums as a receiver does: with a valid checksum the sum is 0xffff (RFC 1071). */
function sumOf(datagram: Buffer): number {
  const packet = datagram.subarray(8 + 14);
  const tcp = Buffer.concat([packet.subarray(20, 43), Buffer.alloc(1)]);
  let sum = 6 + 23;
  for (let at = 12; at < 20; at += 2) sum += packet.readUInt16BE(at);
  for (let at = 0; at < tcp.length; at += 2) sum += tcp.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

test('a segment gets the checksum that its receiver expects, whatever was there before', () => {
  for (const before of ['0000', 'ffff', '1234']) {
    const datagram = segment(before);
    completeChecksum(datagram);
    expect(sumOf(datagram)).toBe(0xffff);
    // All other bytes are unchanged.
    datagram.write(before, CHECKSUM_AT, 'hex');
    expect(datagram).toEqual(segment(before));
  }
});

test('the padding of a short frame is not summed', () => {
  const [plain, padded] = [segment('0000'), Buffer.concat([segment('0000'), Buffer.from('junk')])];
  completeChecksum(plain);
  completeChecksum(padded);
  expect(padded.subarray(0, plain.length)).toEqual(plain);
});

test('the destination is the packet’s own; other frames have none', () => {
  expect(destinationOf(segment('0000'))).toBe('10.231.0.12');
  const other = segment('0000');
  other.writeUInt16BE(0x86dd, 8 + 12);
  expect(destinationOf(other)).toBeUndefined();
  expect(destinationOf(Buffer.alloc(10))).toBeUndefined();
});
