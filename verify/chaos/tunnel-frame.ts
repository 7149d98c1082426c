// Frames of the tunnels between namespaces (VXLAN, RFC 7348): Ethernet frames in datagrams.

const VXLAN_HEADER_BYTES = 8;
const ETHERNET_HEADER_BYTES = 14;
const ETHER_TYPE_AT = VXLAN_HEADER_BYTES + 12;
const ETHER_TYPE_IPV4 = 0x0800;
const MIN_IPV4_HEADER_BYTES = 20;
const PROTOCOL_TCP = 6;
const TCP_CHECKSUM_AT = 16;
const MIN_TCP_HEADER_BYTES = 20;

/** Returns the destination of the IPv4 packet; undefined for other frames, such as ARP. */
export function destinationOf(datagram: Buffer): string | undefined {
  const packet = packetIn(datagram);
  return packet === undefined ? undefined : [...packet.subarray(16, 20)].join('.');
}

/**
 * Writes the checksum of a TCP segment (RFC 9293, §3.1). The kernel leaves the checksum to the sending
 * device, so it is missing in a datagram that a program reads and sends on.
 */
export function completeChecksum(datagram: Buffer): void {
  const packet = packetIn(datagram);
  if (packet === undefined || packet[9] !== PROTOCOL_TCP) return;
  const segment = packet.subarray(headerBytes(packet), packet.readUInt16BE(2));
  if (segment.length < MIN_TCP_HEADER_BYTES) return;
  segment.writeUInt16BE(0, TCP_CHECKSUM_AT);
  const addresses = sumOfWords(packet.subarray(12, 20));
  const sum = folded(PROTOCOL_TCP + segment.length + addresses + sumOfWords(segment));
  segment.writeUInt16BE(~sum & 0xffff, TCP_CHECKSUM_AT);
}

function packetIn(datagram: Buffer): Buffer | undefined {
  const start = VXLAN_HEADER_BYTES + ETHERNET_HEADER_BYTES;
  if (datagram.length < start + MIN_IPV4_HEADER_BYTES) return undefined;
  if (datagram.readUInt16BE(ETHER_TYPE_AT) !== ETHER_TYPE_IPV4) return undefined;
  return datagram.subarray(start);
}

function headerBytes(packet: Buffer): number {
  return (packet.readUInt8(0) & 0x0f) * 4;
}

function sumOfWords(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  return bytes.length % 2 === 0 ? sum : sum + bytes.readUInt8(bytes.length - 1) * 0x100;
}

function folded(sum: number): number {
  let rest = sum;
  while (rest > 0xffff) rest = (rest & 0xffff) + Math.floor(rest / 0x10000);
  return rest;
}
