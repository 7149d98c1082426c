// The cluster's configuration in bytes, as part of log entries and snapshots.

import { MAX_ADDRESS_CHARACTERS } from '../../../shared/address.ts';
import type { Configuration, Member } from '../core/configuration.ts';
import type { ByteReader } from './byte-reader.ts';
import { choice, list, record, text } from './codec.ts';
import { malformed } from './malformed.ts';

export const MAX_SERVER_ID_BYTES = 256;
export const MAX_ADDRESS_BYTES = MAX_ADDRESS_CHARACTERS;

/** MAX_MEMBERS and MAX_REMEMBERED_REMOVALS of core/configuration.ts. Tests hold that they are equal. */
const MAX_LISTED_SERVERS = 64;
const MIN_MEMBER_BYTES = 4;

const server = text(MAX_SERVER_ID_BYTES);
const address = text(MAX_ADDRESS_BYTES);

const member = record<Member>({
  server,
  role: choice('role', { voter: 1, learner: 2 }),
  raftAddress: address,
  httpAddress: address,
});

const configuration = record<Configuration>({
  members: list(member, { maxItems: MAX_LISTED_SERVERS, minItemBytes: MIN_MEMBER_BYTES }),
  removed: list(server, { maxItems: MAX_LISTED_SERVERS }),
});

export const writeConfiguration = configuration.write;

export function readConfiguration(reader: ByteReader): Configuration {
  const value = configuration.read(reader);
  const { members } = value;
  const isSorted = members.every(({ server }, at) => at === 0 || (members[at - 1]?.server ?? '') < server);
  if (!isSorted) throw malformed('the members of a configuration are not sorted by server id');
  return value;
}
