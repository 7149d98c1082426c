import { beforeEach, describe, expect, test } from 'vitest';
import type { Configuration } from '../../../src/engines/raft/core/configuration.ts';
import type { CommandEntry, Entry } from '../../../src/engines/raft/core/entry.ts';
import type { Message } from '../../../src/engines/raft/core/message.ts';
import {
  initialRecords,
  putApplied,
  putHardState,
  putLogStart,
} from '../../../src/engines/raft/node/log/durable-records.ts';
import { putEntries } from '../../../src/engines/raft/node/log/log-blocks.ts';
import type { WriteOperation } from '../../../src/engines/raft/node/ports/key-value-store.ts';
import { Violations } from '../../kit/violations.ts';
import { RaftProperties } from './raft-properties.ts';

const SERVERS = ['a', 'b', 'c'];
const founder = { role: 'voter', raftAddress: 'host:1', httpAddress: 'host:2' } as const;
const configuration: Configuration = {
  members: SERVERS.map((server) => ({ ...founder, server })),
  removed: [],
};
const founding: Entry = { kind: 'configuration', index: 1, term: 1, configuration };

function leaderStart(index: number, term: number): Entry {
  return { kind: 'leader-start', index, term };
}

function command(index: number, term: number, data = 0): CommandEntry {
  return { kind: 'command', index, term, data: Uint8Array.of(data) };
}

let violations: Violations;
let properties: RaftProperties;

function found(): string[] {
  return violations.found.map(({ property }) => property);
}

function durable(server: string, ...operations: readonly (readonly WriteOperation[])[]): void {
  properties.onDurable(server, operations.flat());
}

function append(
  from: string,
  message: {
    term: number;
    previousLogIndex: number;
    previousLogTerm: number;
    entries: Entry[];
    commitIndex?: number;
  },
): void {
  properties.onSend({ kind: 'append-request', from, to: 'c', commitIndex: 0, ...message });
}

/** Term 2 with a as its leader; entries 1 and 2 are on every disk. */
beforeEach(() => {
  violations = new Violations();
  properties = new RaftProperties(violations);
  for (const server of SERVERS) {
    durable(
      server,
      initialRecords({ server, clusterId: 'x', boots: 1 }),
      putEntries([founding, leaderStart(2, 2)]),
    );
    durable(server, [putHardState({ term: 2, votedFor: 'a' })]);
  }
  append('a', { term: 2, previousLogIndex: 1, previousLogTerm: 1, entries: [leaderStart(2, 2)] });
});

describe('a correct run', () => {
  test('violates nothing', () => {
    const entry = command(3, 2);
    append('a', { term: 2, previousLogIndex: 2, previousLogTerm: 2, entries: [entry], commitIndex: 2 });
    durable('a', putEntries([entry]));
    durable('b', putEntries([entry]));
    append('a', { term: 2, previousLogIndex: 3, previousLogTerm: 2, entries: [], commitIndex: 3 });
    durable('a', [putApplied({ index: 3, term: 2, configuration, configurationIndex: 1, generation: 1 })]);
    properties.onStart('a', { term: 2, lastLogIndex: 3 });
    expect(found()).toEqual([]);
    expect([properties.commitIndex, properties.elections]).toEqual([3, 1]);
  });

  test('may overwrite an entry that was never committed', () => {
    append('a', { term: 2, previousLogIndex: 2, previousLogTerm: 2, entries: [command(3, 2)] });
    durable('a', putEntries([command(3, 2)]));
    append('b', { term: 3, previousLogIndex: 2, previousLogTerm: 2, entries: [leaderStart(3, 3)] });
    durable('a', putEntries([leaderStart(3, 3)]));
    expect(found()).toEqual([]);
  });
});

describe('Election Safety', () => {
  test('is violated by two leaders in one term', () => {
    properties.onSend({
      kind: 'heartbeat-request',
      from: 'b',
      to: 'c',
      term: 2,
      commitIndex: 0,
      readRound: 0,
    });
    expect(found()).toEqual(['Election Safety']);
  });
});

describe('Log Matching', () => {
  test('is violated by two entries with the same index and term', () => {
    append('a', { term: 2, previousLogIndex: 2, previousLogTerm: 2, entries: [command(3, 2, 1)] });
    durable('b', putEntries([command(3, 2, 2)]));
    expect(found()).toEqual(['Log Matching']);
  });

  test('is violated by one entry after two different predecessors', () => {
    append('a', {
      term: 2,
      previousLogIndex: 2,
      previousLogTerm: 2,
      entries: [command(3, 2), command(4, 2)],
    });
    append('a', { term: 2, previousLogIndex: 3, previousLogTerm: 1, entries: [command(4, 2)] });
    expect(found()).toEqual(['Log Matching']);
  });

  test('is violated by a block that overlaps another block', () => {
    const entries = [command(3, 2), command(4, 2), command(5, 2)];
    durable('a', putEntries(entries));
    expect(found()).toEqual([]);
    durable('a', putEntries(entries.slice(1)));
    expect(found()).toEqual(['Log Matching']);
  });

  test('is kept by a block that is rewritten without its tail, also when part of it is compacted', () => {
    const entries = [command(3, 2), command(4, 2), command(5, 2)];
    durable('a', putEntries(entries));
    durable('a', [putLogStart({ index: 3, term: 2 })]);
    durable('a', putEntries(entries.slice(0, 2)), putEntries([leaderStart(5, 3)]));
    expect(found()).toEqual([]);
    expect([3, 4, 5].map((index) => properties.mirrorOf('a').termAt(index))).toEqual([2, 2, 3]);
  });

  test('is violated by a gap on a disk', () => {
    durable('a', putEntries([command(5, 2)]));
    expect(found()).toEqual(['Log Matching']);
  });
});

describe('Leader Append-Only', () => {
  test('is violated by a leader that writes below the first index of its term', () => {
    append('a', { term: 2, previousLogIndex: 1, previousLogTerm: 1, entries: [] });
    append('b', { term: 3, previousLogIndex: 2, previousLogTerm: 2, entries: [leaderStart(3, 3)] });
    append('b', { term: 3, previousLogIndex: 1, previousLogTerm: 1, entries: [command(2, 3)] });
    expect(found()).toContain('Leader Append-Only');
  });
});

describe('Leader Completeness', () => {
  beforeEach(() => {
    append('a', { term: 2, previousLogIndex: 2, previousLogTerm: 2, entries: [command(3, 2)] });
    durable('a', putEntries([command(3, 2)]));
    durable('b', putEntries([command(3, 2)]));
  });

  test('is violated by a later leader that lacks a committed entry', () => {
    append('a', { term: 2, previousLogIndex: 3, previousLogTerm: 2, entries: [], commitIndex: 3 });
    append('c', { term: 3, previousLogIndex: 2, previousLogTerm: 2, entries: [leaderStart(3, 3)] });
    expect(found()).toEqual(['Leader Completeness']);
  });

  test('is violated when the entry commits only after the later leader began (figure 8)', () => {
    append('c', { term: 3, previousLogIndex: 2, previousLogTerm: 2, entries: [leaderStart(3, 3)] });
    append('a', { term: 2, previousLogIndex: 3, previousLogTerm: 2, entries: [], commitIndex: 3 });
    expect(found()).toEqual(['Leader Completeness']);
  });
});

describe('a committed entry', () => {
  beforeEach(() => {
    append('a', { term: 2, previousLogIndex: 2, previousLogTerm: 2, entries: [command(3, 2)] });
    durable('a', putEntries([command(3, 2)]));
  });

  test('must not count a follower whose disk does not have it', () => {
    append('a', { term: 2, previousLogIndex: 3, previousLogTerm: 2, entries: [], commitIndex: 3 });
    expect(found()).toEqual(['committed means durable on a majority']);
  });

  test('is checked when a server applies it', () => {
    properties.onFirstApplied(3, () => 'a');
    expect(found()).toEqual(['committed means durable on a majority']);
  });

  test('is checked when a stored state claims to hold it', () => {
    durable('a', [putApplied({ index: 3, term: 2, configuration, configurationIndex: 1, generation: 1 })]);
    expect(found()).toEqual(['committed means durable on a majority']);
  });
});

describe('State Machine Safety', () => {
  test('is violated by two servers that commit different entries', () => {
    for (const server of ['a', 'b']) durable(server, putEntries([command(3, 2)]));
    append('a', {
      term: 2,
      previousLogIndex: 2,
      previousLogTerm: 2,
      entries: [command(3, 2)],
      commitIndex: 3,
    });
    durable('c', putEntries([leaderStart(3, 1)]));
    durable('c', [putApplied({ index: 3, term: 1, configuration, configurationIndex: 1, generation: 1 })]);
    expect(found()).toContain('State Machine Safety');
  });
});

describe('a disk', () => {
  test('never goes back to an earlier term', () => {
    durable('a', [putHardState({ term: 1, votedFor: undefined })]);
    expect(found()).toEqual(['term and vote never go back']);
  });

  test('never changes the vote of a term', () => {
    durable('a', [putHardState({ term: 2, votedFor: 'b' })]);
    expect(found()).toEqual(['term and vote never go back']);
  });

  test('gives a restarted process its term and its log', () => {
    properties.onStart('a', { term: 1, lastLogIndex: 2 });
    properties.onStart('b', { term: 2, lastLogIndex: 1 });
    expect(found()).toEqual(['restart recovers durable state', 'restart recovers durable state']);
  });
});

describe('a promise', () => {
  const promises: [string, Message, string][] = [
    ['a vote', { kind: 'vote-response', from: 'b', to: 'c', term: 3, granted: true }, 'votes are durable'],
    [
      'a candidacy',
      {
        kind: 'vote-request',
        from: 'c',
        to: 'b',
        term: 3,
        lastLogIndex: 2,
        lastLogTerm: 2,
        leadershipTransfer: false,
      },
      'votes are durable',
    ],
    [
      'an acknowledgement',
      {
        kind: 'append-response',
        from: 'b',
        to: 'a',
        term: 2,
        success: true,
        index: 3,
        hintIndex: 0,
        hintTerm: 0,
      },
      'acknowledged entries are durable',
    ],
  ];

  test.each(promises)('such as %s is a violation before it is durable', (_, message, property) => {
    properties.onSend(message);
    expect(found()).toEqual([property]);
  });

  test.each(promises)('such as %s is allowed once it is durable', (_, message) => {
    durable('b', putEntries([command(3, 2)]), [putHardState({ term: 3, votedFor: 'c' })]);
    durable('c', [putHardState({ term: 3, votedFor: 'c' })]);
    properties.onSend(message);
    expect(found()).toEqual([]);
  });
});

test('an entry may be committed by the configuration before it or by a later one', () => {
  const smaller: Configuration = { members: configuration.members.slice(0, 2), removed: ['c'] };
  const change: Entry = { kind: 'configuration', index: 3, term: 2, configuration: smaller };
  append('a', { term: 2, previousLogIndex: 2, previousLogTerm: 2, entries: [change] });
  for (const server of ['a', 'b']) durable(server, putEntries([change]));
  append('a', { term: 2, previousLogIndex: 3, previousLogTerm: 2, entries: [], commitIndex: 3 });
  expect(found()).toEqual([]);
  expect(properties.membershipChanges).toBe(2);
});

test('entries may be seen before their predecessors', () => {
  append('a', { term: 2, previousLogIndex: 3, previousLogTerm: 2, entries: [command(4, 2)] });
  const both = [command(3, 2), command(4, 2)];
  for (const server of ['a', 'b']) durable(server, putEntries(both));
  append('a', { term: 2, previousLogIndex: 4, previousLogTerm: 2, entries: [], commitIndex: 4 });
  expect(found()).toEqual([]);
});

describe('a configuration that only the leader has', () => {
  const pair: Configuration = { members: configuration.members.slice(0, 2), removed: [] };
  const single: Configuration = { members: configuration.members.slice(0, 1), removed: ['b'] };

  /** The leader commits an entry of its own disk alone, by its own configuration. */
  function commitAlone(before: Configuration): string[] {
    properties = new RaftProperties(violations, () => single);
    const log: Entry[] = [
      { kind: 'configuration', index: 1, term: 1, configuration: before },
      leaderStart(2, 2),
    ];
    durable('a', putEntries(log));
    append('a', { term: 2, previousLogIndex: 2, previousLogTerm: 2, entries: [], commitIndex: 2 });
    return found();
  }

  test('counts for its commits', () => {
    expect(commitAlone(pair)).toEqual([]);
  });

  test('does not count when it changes more than one voter', () => {
    expect(commitAlone(configuration)).toEqual(['committed means durable on a majority']);
  });
});

test('a configuration that another leader overwrote does not count', () => {
  const larger: Configuration = {
    members: [...configuration.members, ...['d', 'e'].map((server) => ({ ...founder, server }))],
    removed: [],
  };
  const lost: Entry = { kind: 'configuration', index: 3, term: 2, configuration: larger };
  append('a', { term: 2, previousLogIndex: 2, previousLogTerm: 2, entries: [lost] });
  const kept = [leaderStart(3, 3), command(4, 3)];
  append('b', { term: 3, previousLogIndex: 2, previousLogTerm: 2, entries: kept });
  for (const server of ['b', 'c']) durable(server, putEntries(kept));
  append('b', { term: 3, previousLogIndex: 4, previousLogTerm: 3, entries: [], commitIndex: 4 });
  expect(found()).toEqual([]);
});

test('an installed snapshot counts as durable', () => {
  const applied = { index: 2, term: 2, configuration, configurationIndex: 1, generation: 1 };
  properties.onDurable('a', [putApplied(applied)]);
  expect(properties.snapshotsInstalled).toBe(0);
  properties.onDurable('a', [putApplied(applied)], true);
  expect(properties.snapshotsInstalled).toBe(1);
});
