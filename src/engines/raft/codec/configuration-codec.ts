// The cluster's configuration in bytes, as part of log entries and snapshots.

import { MAX_ADDRESS_CHARACTERS } from '../../../shared/address.ts';
import { assert } from '../../../shared/assert.ts';
import type { Configuration, Member, Role, ServerId } from '../core/configuration.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { malformed } from './malformed.ts';

export const MAX_SERVER_ID_BYTES = 256;
export const MAX_ADDRESS_BYTES = MAX_ADDRESS_CHARACTERS;

/** MAX_MEMBERS and MAX_REMEMBERED_REMOVALS of core/configuration.ts. Tests hold that they are equal. */
const MAX_LISTED_SERVERS = 64;

const VOTER = 1;
const LEARNER = 2;
const MIN_MEMBER_BYTES = 4;

export function writeConfiguration(writer: ByteWriter, configuration: Configuration): void {
  const { members, removed } = configuration;
  assert(members.length <= MAX_LISTED_SERVERS, `a cluster has at most ${MAX_LISTED_SERVERS} members`);
  assert(removed.length <= MAX_LISTED_SERVERS, 'too many removed servers are remembered');
  writer.varint(members.length);
  for (const member of members) {
    writer.string(member.server, MAX_SERVER_ID_BYTES);
    writer.u8(member.role === 'voter' ? VOTER : LEARNER);
    writer.string(member.raftAddress, MAX_ADDRESS_BYTES);
    writer.string(member.httpAddress, MAX_ADDRESS_BYTES);
  }
  writer.varint(removed.length);
  for (const server of removed) writer.string(server, MAX_SERVER_ID_BYTES);
}

export function readConfiguration(reader: ByteReader): Configuration {
  const members: Member[] = [];
  for (let left = reader.count(MIN_MEMBER_BYTES, MAX_LISTED_SERVERS); left > 0; left--) {
    const member: Member = {
      server: reader.string(MAX_SERVER_ID_BYTES),
      role: readRole(reader),
      raftAddress: reader.string(MAX_ADDRESS_BYTES),
      httpAddress: reader.string(MAX_ADDRESS_BYTES),
    };
    const last = members.at(-1);
    if (last !== undefined && last.server >= member.server) {
      throw malformed('the members of a configuration are not sorted by server id');
    }
    members.push(member);
  }
  const removed: ServerId[] = [];
  for (let left = reader.count(1, MAX_LISTED_SERVERS); left > 0; left--) {
    removed.push(reader.string(MAX_SERVER_ID_BYTES));
  }
  return { members, removed };
}

function readRole(reader: ByteReader): Role {
  const role = reader.u8();
  if (role === VOTER) return 'voter';
  if (role === LEARNER) return 'learner';
  throw malformed(`there is no role ${role}`);
}
