// Server ids: `<node id>@<incarnation>`.

import type { Random } from '../../../../shared/seeded-generator.ts';
import type { ServerId } from '../../core/configuration.ts';

/** Returns the node's name: the part before the last `@`. */
export function nodeOf(server: ServerId): string {
  const at = server.lastIndexOf('@');
  return at === -1 ? server : server.slice(0, at);
}

/** Makes a server id for a new data directory, with 64 random bits as its incarnation. */
export function newServerId(node: string, random: Random): ServerId {
  return `${node}@${randomHex(random)}`;
}

/** Returns 16 hexadecimal digits. */
export function randomHex(random: Random): string {
  const half = (): string => random.nextUint32().toString(16).padStart(8, '0');
  return half() + half();
}
