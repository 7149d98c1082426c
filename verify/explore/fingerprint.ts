// Everything that decides a server's further behaviour, as one text: servers with equal texts are in the same
// state.
//
// `name` renames servers, so that states that differ only in the names of servers are recognised as equal.

import {
  type Configuration,
  EMPTY_CONFIGURATION,
  type ServerId,
} from '../../src/engines/raft/core/configuration.ts';
import type { Entry } from '../../src/engines/raft/core/entry.ts';
import type { Message } from '../../src/engines/raft/core/message.ts';
import type { RaftCore } from '../../src/engines/raft/core/raft-core.ts';
import { CoreState } from '../../src/engines/raft/core/state.ts';
import { assert, present } from '../../src/shared/assert.ts';
import type { DiskImage, DiskWrite } from './explored-disk.ts';
import { ELECTION_TICKS, type ExploredServer } from './explored-server.ts';

export type Renaming = (server: ServerId) => ServerId;

/** More elapsed ticks than this make no difference. */
const MAX_TICKS_THAT_MATTER = 2 * ELECTION_TICKS;

/** The parts of a server that its fingerprint contains. */
interface ServerView {
  readonly state: CoreState;
  readonly log: readonly Entry[];
  /** Last durable log index now, and after the pending write. */
  readonly durable: readonly [number, number];
  /** First entry, and removal, of the next write. */
  readonly unwritten: readonly [number, number];
  readonly disk: DiskImage;
  readonly write: DiskWrite | undefined;
}

/** Uses up the server: the relation of its log to the disk is visible only in its next write. */
export function viewOf({ core, disk, write }: ExploredServer): ServerView {
  const state = stateOf(core);
  const { log } = state;
  const entries: Entry[] = [];
  while (entries.length < log.lastIndex) entries.push(...log.entries(entries.length + 1, 1));
  const durableNow = log.durableIndex;
  const durableThen = log.onWriteDurable();
  const next = log.takeWrite();
  const unwritten = [next.entries[0]?.index ?? 0, next.remove?.last ?? 0] as const;
  return { state, log: entries, durable: [durableNow, durableThen], unwritten, disk, write };
}

export function fingerprint(view: ServerView, name: Renaming): string {
  const { state } = view;
  assert(state.messages.length === 0, 'all messages have been taken');
  // Sequence numbers grow without end. Only their distance from the disk matters.
  const ahead = (sequence: number): number => Math.max(0, sequence - state.durableSequence);
  const isLeader = state.role === 'leader';
  return JSON.stringify([
    name(state.server),
    [state.term, nameOrNone(state.votedFor, name), state.role, nameOrNone(state.leader, name)],
    [state.commitIndex, state.appliedIndex],
    state.configurations.map(({ index, configuration }) => [
      index,
      describeConfiguration(configuration, name),
    ]),
    [
      Math.min(state.electionElapsed, MAX_TICKS_THAT_MATTER),
      Math.min(state.writeTicks, MAX_TICKS_THAT_MATTER),
    ],
    sorted(state.votes, name, (granted) => granted),
    state.role === 'candidate' ? ahead(state.ownVoteSequence) : 0,
    isLeader
      ? [state.leaderStartIndex, state.heartbeatElapsed, state.heartbeatDue, state.uncommittedBytes]
      : 0,
    isLeader ? [nameOrNone(state.transferTarget, name), state.transferElapsed] : 0,
    // The window of appends in flight is left out: no exploration is long enough to fill it.
    sorted(state.progress, name, (progress) => [
      progress.state,
      progress.match,
      progress.next,
      progress.sentCommit,
      progress.readRound,
      progress.recentlyActive,
      Math.min(progress.ticksSinceContact, MAX_TICKS_THAT_MATTER),
      progress.probeSent,
    ]),
    [ahead(state.changeSequence), ahead(state.hardStateSequence), ahead(state.writeUnderWay?.sequence ?? 0)],
    [state.hardStateChanged, ahead(state.restoreSequence)],
    state.waitingMessages.map(({ message, sequence }) => [describeMessage(message, name), ahead(sequence)]),
    view.log.map((entry) => describeEntry(entry, name)),
    [view.durable, view.unwritten],
    describeDisk(view.disk, name),
    view.write === undefined ? 0 : describeWrite(view.write, name),
  ]);
}

export function describeEntry(entry: Entry, name: Renaming): string {
  if (entry.kind === 'command') return `${entry.term}:${entry.data.join()}`;
  if (entry.kind === 'leader-start') return `${entry.term}:start`;
  return `${entry.term}:${describeConfiguration(entry.configuration, name)}`;
}

export function describeMessage(message: Message, name: Renaming): string {
  const { kind, from, to, ...rest } = message;
  const entries = 'entries' in rest ? rest.entries.map((entry) => describeEntry(entry, name)) : undefined;
  return `${name(from)}→${name(to)} ${kind} ${JSON.stringify({ ...rest, entries })}`;
}

function describeConfiguration(configuration: Configuration, name: Renaming): string {
  const members = configuration.members.map(({ server, role }) => `${name(server)}=${role}`).sort();
  return `{${members.join(' ')}} removed ${configuration.removed.map(name).join(' ')}`;
}

function describeDisk({ hardState, entries, appliedIndex }: DiskImage, name: Renaming): unknown {
  const log = entries.map((entry) => describeEntry(entry, name));
  return [hardState.term, nameOrNone(hardState.votedFor, name), log, appliedIndex];
}

function describeWrite({ request, appliedIndex }: DiskWrite, name: Renaming): unknown {
  const { hardState, log } = request;
  return [
    hardState && [hardState.term, nameOrNone(hardState.votedFor, name)],
    log.entries.map((entry) => [entry.index, describeEntry(entry, name)]),
    log.remove,
    appliedIndex,
  ];
}

function nameOrNone(server: ServerId | undefined, name: Renaming): ServerId {
  return server === undefined ? '' : name(server);
}

function sorted<T>(map: ReadonlyMap<ServerId, T>, name: Renaming, describe: (value: T) => unknown): unknown {
  return [...map]
    .map(([server, value]) => [name(server), describe(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Returns the private state of a core. Telling states apart needs all of it. One of the core's getters is
 * replaced for one call, and captures the object it is called on.
 */
function stateOf(core: RaftCore): CoreState {
  const getter = present(
    Object.getOwnPropertyDescriptor(CoreState.prototype, 'configuration'),
    'the state knows the configuration in force',
  );
  let found: CoreState | undefined;
  Object.defineProperty(CoreState.prototype, 'configuration', {
    configurable: true,
    get(this: CoreState): Configuration {
      found = this;
      return EMPTY_CONFIGURATION;
    },
  });
  try {
    assert(core.configuration === EMPTY_CONFIGURATION, 'the replaced getter was called');
  } finally {
    Object.defineProperty(CoreState.prototype, 'configuration', getter);
  }
  return present(found, 'the getter captured the state');
}
