// The command line of a node: its flags read into the options of a start, and checked against each other.

import path from 'node:path';
import { type Address, formatAddress } from '../shared/address.ts';
import { isNodeId } from '../shared/node-id.ts';
import { FlagReader, type LogLevel, listensOnEveryAddress, readAddress } from './flag-reader.ts';
import { FLAGS } from './flag-table.ts';
import { flagError, formatFlags, HELP_ASKED, parseGoFlags, usageError } from './go-flags.ts';

export interface StartOptions {
  /** The node's name: letters, digits, `.`, `_`, `-`, at most 64. */
  readonly id: string;
  /** An empty host means every address of this machine. */
  readonly httpListen: Address;
  readonly raftListen: Address;
  /** host:port that other nodes dial. */
  readonly advertiseRaft: string;
  readonly advertiseHttp: string;
  /** `<data>/<id>`. */
  readonly dataDirectory: string;
  /** `<logs>/<id>.log`. */
  readonly logFile: string;
  /** API addresses (host:port) of members, to try in turn; empty without -join. */
  readonly join: readonly string[];
  readonly bootstrap: boolean;
  readonly clean: boolean;
  readonly consoleLevel: LogLevel;
  readonly fileLevel: LogLevel;
  /** 0: never. */
  readonly removeDeadAfterMs: number;
  /** A member younger than this is not removed automatically. */
  readonly newMemberGraceMs: number;
  readonly minVoters: number;
  readonly electionTimeoutMs: number;
  readonly heartbeatMs: number;
  /** Log entries after which the older ones are compacted away. */
  readonly compactAfterEntries: number;
  /** PEM files for the connections between nodes. Both sides show a certificate signed by `caFile`. */
  readonly tls: Readonly<Record<'certFile' | 'keyFile' | 'caFile', string>> | undefined;
}

type CommandLine =
  | { readonly kind: 'help'; readonly usage: string }
  | { readonly kind: 'run'; readonly options: StartOptions };

const MIN_HEARTBEAT_MS = 10;
const MIN_HEARTBEATS_PER_ELECTION = 4;
const MAX_ELECTION_TIMEOUT_MS = 60_000;
/** Shorter silence may be slowness: a leader needs this long to notice its own isolation. */
const MIN_ELECTIONS_BEFORE_REMOVAL = 2;
const MAX_JOIN_ADDRESSES = 64;

/** The text of -h. For tests: they check that it is complete. */
export const USAGE = `Raft3D: one node of a replicated 3D-print farm.

Usage:
  raft3d -id <name> -bootstrap [flags]        start a new cluster
  raft3d -id <name> -join <address> [flags]   join a cluster through any of its members
  raft3d -id <name> [flags]                   rejoin with the state in <data>/<id>/

Flags:
${formatFlags(FLAGS)}

Durations are written like 500ms, 90s, 4m or 1h30m.
`;

/**
 * Reads the arguments of the process, without interpreter and script.
 * Throws CodedError `usage`, with one sentence for stderr; the process then exits with 2.
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const given = parseGoFlags(args, FLAGS);
  if (given === HELP_ASKED) return { kind: 'help', usage: USAGE };
  return { kind: 'run', options: readOptions(new FlagReader(given)) };
}

function readOptions(flags: FlagReader): StartOptions {
  const id = readNodeId(flags);
  const raftListen = flags.address('raft');
  const httpListen = flags.address('http');
  const advertiseRaft = readAdvertisedRaft(flags, raftListen);
  const join = readJoin(flags);
  const bootstrap = flags.bool('bootstrap');
  if (bootstrap && join.length > 0) {
    throw usageError('-bootstrap starts a new cluster and -join enters one: give only one of them', 'join');
  }
  return {
    id,
    httpListen,
    raftListen,
    advertiseRaft: formatAddress(advertiseRaft),
    advertiseHttp: formatAddress(readAdvertisedHttp(flags, httpListen, advertiseRaft.host)),
    dataDirectory: path.join(flags.filled('data'), id),
    logFile: path.join(flags.filled('logs'), `${id}.log`),
    join,
    bootstrap,
    clean: flags.bool('clean'),
    consoleLevel: flags.level('console-level'),
    fileLevel: flags.level('file-level'),
    minVoters: flags.count('min-voters', { min: 1, max: 99 }),
    newMemberGraceMs: flags.durationMs('new-member-grace'),
    compactAfterEntries: flags.count('compact-after', { min: 100, max: 10_000_000 }),
    ...readTimes(flags),
    tls: readTls(flags),
  };
}

function readNodeId(flags: FlagReader): string {
  const id = flags.text('id');
  if (id === '') throw flagError('id', 'is required: give this node a name, such as -id node1');
  // `.` and `..` are the data directory itself and its parent, which -clean must never wipe.
  if (isNodeId(id) && id !== '.' && id !== '..') return id;
  throw flagError('id', `is 1 to 64 letters, digits, ".", "_" or "-", not "${id}"`);
}

function readAdvertisedRaft(flags: FlagReader, listen: Address): Address {
  if (flags.text('advertise') !== '') return flags.dialableAddress('advertise');
  if (!listensOnEveryAddress(listen)) return listen;
  throw usageError(
    `-raft ${flags.text('raft')} listens on every address of this machine, so other nodes cannot know which to dial: pass -advertise host:port`,
    'advertise',
  );
}

/** Without -advertise-http, an API that listens on every address gets the host of the Raft transport. */
function readAdvertisedHttp(flags: FlagReader, listen: Address, raftHost: string): Address {
  if (flags.text('advertise-http') !== '') return flags.dialableAddress('advertise-http');
  return listensOnEveryAddress(listen) ? { host: raftHost, port: listen.port } : listen;
}

function readJoin(flags: FlagReader): string[] {
  const parts = flags
    .text('join')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (flags.has('join') && parts.length === 0) {
    throw flagError('join', 'needs the HTTP address of a member, such as 127.0.0.1:8080');
  }
  if (parts.length > MAX_JOIN_ADDRESSES)
    throw flagError('join', `takes at most ${MAX_JOIN_ADDRESSES} addresses`);
  return parts.map((part) => {
    const address = readAddress('join', part);
    return formatAddress(listensOnEveryAddress(address) ? { ...address, host: '127.0.0.1' } : address);
  });
}

function readTimes(
  flags: FlagReader,
): Pick<StartOptions, 'electionTimeoutMs' | 'heartbeatMs' | 'removeDeadAfterMs'> {
  const electionTimeoutMs = flags.durationMs('election-timeout');
  const heartbeatMs = flags.durationMs('heartbeat');
  const removeDeadAfterMs = flags.durationMs('remove-dead-after');
  const minElectionMs = MIN_HEARTBEATS_PER_ELECTION * heartbeatMs;
  const minSilenceMs = MIN_ELECTIONS_BEFORE_REMOVAL * electionTimeoutMs;
  if (heartbeatMs < MIN_HEARTBEAT_MS) throw flagError('heartbeat', `is at least ${MIN_HEARTBEAT_MS}ms`);
  if (electionTimeoutMs < minElectionMs) {
    throw flagError(
      'election-timeout',
      `is at least ${MIN_HEARTBEATS_PER_ELECTION} heartbeats (${minElectionMs}ms), or one lost heartbeat would unseat the leader`,
    );
  }
  if (electionTimeoutMs > MAX_ELECTION_TIMEOUT_MS) throw flagError('election-timeout', 'is at most 1m');
  if (removeDeadAfterMs !== 0 && removeDeadAfterMs < minSilenceMs) {
    throw flagError(
      'remove-dead-after',
      `is 0 (never) or at least ${MIN_ELECTIONS_BEFORE_REMOVAL} election timeouts (${minSilenceMs}ms)`,
    );
  }
  return { electionTimeoutMs, heartbeatMs, removeDeadAfterMs };
}

function readTls(flags: FlagReader): StartOptions['tls'] {
  const [certFile, keyFile, caFile] = [flags.text('tls-cert'), flags.text('tls-key'), flags.text('tls-ca')];
  if (certFile && keyFile && caFile) return { certFile, keyFile, caFile };
  if (!certFile && !keyFile && !caFile) return undefined;
  throw usageError('-tls-cert, -tls-key and -tls-ca are given together or not at all');
}
