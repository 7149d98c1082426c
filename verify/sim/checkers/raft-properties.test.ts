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
import { RaftProperties } from './raft-properties.ts';
import { Violations } from './violations.ts';

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

/** Term 2 with a as leader; entries 1 and 2 on every disk. */
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

describe('a run as it should be', () => {
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

  test('may drop an entry that was never committed', () => {
    append('a', { term: 2, previousLogIndex: 2, previousLogTerm: 2, entries: [command(3, 2)] });
    durable('a', putEntries([command(3, 2)]));
    append('b', { term: 3, previousLogIndex: 2, previousLogTerm: 2, entries: [leaderStart(3, 3)] });
    durable('a', putEntries([leaderStart(3, 3)]));
    expect(found()).toEqual([]);
  });
});

describe('election safety', () => {
  test('is broken by two leaders in one term', () => {
    properties.onSend({
      kind: 'heartbeat-request',
      from: 'b',
      to: 'c',
      term: 2,
      commitIndex: 0,
      readRound: 0,
    });
    expect(found()).toEqual(['election safety']);
  });
});

describe('log matching', () => {
  test('is broken by two entries of one index and term', () => {
    append('a', { term: 2, previousLogIndex: 2, previousLogTerm: 2, entries: [command(3, 2, 1)] });
    durable('b', putEntries([command(3, 2, 2)]));
    expect(found()).toEqual(['log matching']);
  });

  test('is broken by one entry after two different ones', () => {
    append('a', {
      term: 2,
      previousLogIndex: 2,
      previousLogTerm: 2,
      entries: [command(3, 2), command(4, 2)],
    });
    append('a', { term: 2, previousLogIndex: 3, previousLogTerm: 1, entries: [command(4, 2)] });
    expect(found()).toEqual(['log matching']);
  });

  test('is broken by a block that begins before the end of another', () => {
    const entries = [command(3, 2), command(4, 2), command(5, 2)];
    durable('a', putEntries(entries));
    expect(found()).toEqual([]);
    durable('a', putEntries(entries.slice(1)));
    expect(found()).toEqual(['log matching']);
  });

  test('is not broken by a block that is put again without its end, whatever of it is compacted', () => {
    const entries = [command(3, 2), command(4, 2), command(5, 2)];
    durable('a', putEntries(entries));
    durable('a', [putLogStart({ index: 3, term: 2 })]);
    durable('a', putEntries(entries.slice(0, 2)), putEntries([leaderStart(5, 3)]));
    expect(found()).toEqual([]);
    expect([3, 4, 5].map((index) => properties.mirrorOf('a').termAt(index))).toEqual([2, 2, 3]);
  });

  test('is broken by a gap on a disk', () => {
    durable('a', putEntries([command(5, 2)]));
    expect(found()).toEqual(['log matching']);
  });
});

describe('leader append-only', () => {
  test('is broken by a leader that writes before its own start', () => {
    append('a', { term: 2, previousLogIndex: 1, previousLogTerm: 1, entries: [] });
    append('b', { term: 3, previousLogIndex: 2, previousLogTerm: 2, entries: [leaderStart(3, 3)] });
    append('b', { term: 3, previousLogIndex: 1, previousLogTerm: 1, entries: [command(2, 3)] });
    expect(found()).toContain('leader append-only');
  });
});

describe('leader completeness', () => {
  beforeEach(() => {
    append('a', { term: 2, previousLogIndex: 2, previousLogTerm: 2, entries: [command(3, 2)] });
    durable('a', putEntries([command(3, 2)]));
    durable('b', putEntries([command(3, 2)]));
  });

  test('is broken by a later leader that lacks what is committed', () => {
    append('a', { term: 2, previousLogIndex: 3, previousLogTerm: 2, entries: [], commitIndex: 3 });
    append('c', { term: 3, previousLogIndex: 2, previousLogTerm: 2, entries: [leaderStart(3, 3)] });
    expect(found()).toEqual(['leader completeness']);
  });

  test('is broken when that is committed only after the later leader began (figure 8)', () => {
    append('c', { term: 3, previousLogIndex: 2, previousLogTerm: 2, entries: [leaderStart(3, 3)] });
    append('a', { term: 2, previousLogIndex: 3, previousLogTerm: 2, entries: [], commitIndex: 3 });
    expect(found()).toEqual(['leader completeness']);
  });
});

describe('committed means durable on a majority', () => {
  beforeEach(() => {
    append('a', { term: 2, previousLogIndex: 2, previousLogTerm: 2, entries: [command(3, 2)] });
    durable('a', putEntries([command(3, 2)]));
  });

  test('is broken by a leader that counts a follower whose disk does not have it', () => {
    append('a', { term: 2, previousLogIndex: 3, previousLogTerm: 2, entries: [], commitIndex: 3 });
    expect(found()).toEqual(['committed means durable on a majority']);
  });

  test('is broken by whoever applies it', () => {
    properties.onFirstApplied(3, () => 'a');
    expect(found()).toEqual(['committed means durable on a majority']);
  });

  test('is broken by a state that says that it holds it', () => {
    durable('a', [putApplied({ index: 3, term: 2, configuration, configurationIndex: 1, generation: 1 })]);
    expect(found()).toEqual(['committed means durable on a majority']);
  });
});

describe('state machine safety', () => {
  test('is broken by two servers that commit different entries', () => {
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
    expect(found()).toContain('state machine safety');
  });
});

describe('what a disk must not forget', () => {
  test('a term never goes back', () => {
    durable('a', [putHardState({ term: 1, votedFor: undefined })]);
    expect(found()).toEqual(['term and vote never go back']);
  });

  test('a vote is given once in a term', () => {
    durable('a', [putHardState({ term: 2, votedFor: 'b' })]);
    expect(found()).toEqual(['term and vote never go back']);
  });

  test('a process remembers its term and its log', () => {
    properties.onStart('a', { term: 1, lastLogIndex: 2 });
    properties.onStart('b', { term: 2, lastLogIndex: 1 });
    expect(found()).toEqual(['what is durable is remembered', 'what is durable is remembered']);
  });
});

describe('promises', () => {
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

  test.each(promises)('%s is not made before the disk has it', (_, message, property) => {
    properties.onSend(message);
    expect(found()).toEqual([property]);
  });

  test.each(promises)('%s may be made after', (_, message) => {
    durable('b', putEntries([command(3, 2)]), [putHardState({ term: 3, votedFor: 'c' })]);
    durable('c', [putHardState({ term: 3, votedFor: 'c' })]);
    properties.onSend(message);
    expect(found()).toEqual([]);
  });
});

test('an entry is counted for the configurations that could have committed it, the new ones too', () => {
  const smaller: Configuration = { members: configuration.members.slice(0, 2), removed: ['c'] };
  const change: Entry = { kind: 'configuration', index: 3, term: 2, configuration: smaller };
  append('a', { term: 2, previousLogIndex: 2, previousLogTerm: 2, entries: [change] });
  for (const server of ['a', 'b']) durable(server, putEntries([change]));
  append('a', { term: 2, previousLogIndex: 3, previousLogTerm: 2, entries: [], commitIndex: 3 });
  expect(found()).toEqual([]);
  expect(properties.membershipChanges).toBe(2);
});

test('entries may be seen before those that they follow', () => {
  append('a', { term: 2, previousLogIndex: 3, previousLogTerm: 2, entries: [command(4, 2)] });
  const both = [command(3, 2), command(4, 2)];
  for (const server of ['a', 'b']) durable(server, putEntries(both));
  append('a', { term: 2, previousLogIndex: 4, previousLogTerm: 2, entries: [], commitIndex: 4 });
  expect(found()).toEqual([]);
});

describe('a change that only the leader has seen', () => {
  const pair: Configuration = { members: configuration.members.slice(0, 2), removed: [] };
  const single: Configuration = { members: configuration.members.slice(0, 1), removed: ['b'] };

  /** The leader commits what is on its own disk alone, by a configuration of its own alone. */
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

  test('does not count when it is a change of more than one voter', () => {
    expect(commitAlone(configuration)).toEqual(['committed means durable on a majority']);
  });
});

test('a configuration that another leader overwrote counts for nothing', () => {
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

test('a snapshot that becomes the state is counted', () => {
  const applied = { index: 2, term: 2, configuration, configurationIndex: 1, generation: 1 };
  properties.onDurable('a', [putApplied(applied)]);
  expect(properties.snapshotsInstalled).toBe(0);
  properties.onDurable('a', [putApplied(applied)], true);
  expect(properties.snapshotsInstalled).toBe(1);
});
