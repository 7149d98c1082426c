// Server ids: `<node id>@<incarnation>`.

import type { Random } from '../../../../shared/seeded-generator.ts';
import type { ServerId } from '../../core/configuration.ts';

/** The name that people gave the node: the part before the last `@`. */
export function nodeOf(server: ServerId): string {
  const at = server.lastIndexOf('@');
  return at === -1 ? server : server.slice(0, at);
}

/** A server id for a data directory that is new: 64 random bits, so that no two are ever the same. */
export function newServerId(node: string, random: Random): ServerId {
  return `${node}@${randomHex(random)}`;
}

/** 16 hexadecimal digits. */
export function randomHex(random: Random): string {
  const half = (): string => random.nextUint32().toString(16).padStart(8, '0');
  return half() + half();
}
