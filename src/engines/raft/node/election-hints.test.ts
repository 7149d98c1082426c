import { expect, test } from 'vitest';
import type { Role } from '../core/configuration.ts';
import type { RaftCore } from '../core/raft-core.ts';
import { ElectionHints } from './election-hints.ts';
import type { Peers } from './membership/peers.ts';
import { configurationOf, serverOf } from './testing/core.ts';

const ELECTION_TICKS = 20;
const STAND_TICKS = 9;
const SUSPECT_TICKS = 3;
const THREE = { a: 'voter', b: 'voter', c: 'voter' } as const;

/** Node `self` of `roles`. `hints` counts how often its core was told to stand soon. */
function createElectionHints(roles: Readonly<Record<string, Role>>, self = 'a') {
  const reached = new Set<string>();
  const heard = new Set<string>();
  const core = {
    leader: undefined as string | undefined,
    term: 1,
    votedFor: undefined as string | undefined,
    isWaitingForVotes: false,
    configuration: configurationOf(roles),
    hints: 0,
    places: [] as (number | undefined)[],
    standSoon(place?: number): number | undefined {
      if (core.isWaitingForVotes) return undefined;
      core.hints += 1;
      core.places.push(place);
      return STAND_TICKS;
    },
    suspectLeader(server: string): number | undefined {
      if (core.leader !== server) return undefined;
      core.leader = undefined;
      return SUSPECT_TICKS;
    },
  };
  const peers = {
    connected: reached,
    isAlive: (server: string) => heard.has(server),
  };
  const electionHints = new ElectionHints(
    { core: core as unknown as RaftCore, peers: peers as unknown as Peers },
    { self: serverOf(self), electionTicks: ELECTION_TICKS },
  );
  const tick = (times: number): number => {
    for (let time = 0; time < times; time++) electionHints.onTick();
    return core.hints;
  };
  const meet = (...nodes: string[]): void => {
    for (const server of nodes.map(serverOf)) {
      reached.add(server);
      heard.add(server);
    }
  };
  const lose = (node: string): void => {
    reached.delete(serverOf(node));
    electionHints.onProcessGone(serverOf(node));
  };
  return { core, tick, meet, lose, reach: (node: string) => reached.add(serverOf(node)) };
}

test('the first attempt comes when a majority of the voters is connected, both ways', () => {
  const { tick, meet, reach } = createElectionHints(THREE);
  reach('b');
  expect(tick(100)).toBe(0);
  meet('b');
  expect(tick(1)).toBe(1);
});

test('two of five are no majority, and learners do not count', () => {
  const { tick, meet } = createElectionHints({ ...THREE, d: 'voter', e: 'voter', f: 'learner' });
  meet('b', 'f');
  expect(tick(100)).toBe(0);
  meet('c');
  expect(tick(1)).toBe(1);
});

test('an attempt that elects nobody is repeated twice, half a timeout after all have stood, and then no more', () => {
  const { tick, meet } = createElectionHints(THREE);
  meet('b', 'c');
  expect(tick(1)).toBe(1);
  expect(tick(STAND_TICKS + ELECTION_TICKS / 2)).toBe(1);
  expect(tick(1)).toBe(2);
  expect(tick(1_000)).toBe(3);
});

test('at first the connected servers stand in the order of ids, later at random', () => {
  const five = { ...THREE, d: 'voter', e: 'voter', f: 'learner' } as const;
  const { core, tick, meet } = createElectionHints(five, 'd');
  meet('a', 'c', 'e', 'f');
  tick(1_000);
  expect(core.places).toEqual([2, undefined, undefined]);
});

test('an attempt that the core ignores because it waits for votes does not count', () => {
  const { core, tick, meet } = createElectionHints(THREE);
  meet('b', 'c');
  core.isWaitingForVotes = true;
  expect(tick(100)).toBe(0);
  core.isWaitingForVotes = false;
  expect(tick(1)).toBe(1);
  expect(core.places).toEqual([0]);
});

test("a candidate that got this server's vote in a new term has a whole timeout to win", () => {
  const { core, tick, meet } = createElectionHints(THREE);
  meet('b', 'c');
  expect(tick(STAND_TICKS + ELECTION_TICKS / 2)).toBe(1);
  Object.assign(core, { term: 2, votedFor: serverOf('b') });
  expect(tick(ELECTION_TICKS)).toBe(1);
  expect(tick(1)).toBe(2);
});

test('a vote for itself, or in the term in which the leader died, does not keep a server from standing again', () => {
  const { core, tick, meet, lose } = createElectionHints(THREE);
  meet('b', 'c');
  core.leader = serverOf('b');
  tick(1);
  Object.assign(core, { term: 7, votedFor: serverOf('b') });
  lose('b');
  expect(tick(SUSPECT_TICKS + ELECTION_TICKS / 2)).toBe(0);
  Object.assign(core, { term: 8, votedFor: serverOf('a') });
  expect(tick(1)).toBe(1);
});

test("when the leader's process is gone the core stands at once, and again when nobody wins", () => {
  const { core, tick, meet, lose } = createElectionHints(THREE);
  meet('b', 'c');
  core.leader = serverOf('b');
  tick(100);
  lose('b');
  expect(core.leader).toBe(undefined);
  expect(tick(SUSPECT_TICKS + ELECTION_TICKS / 2)).toBe(0);
  expect(tick(1)).toBe(1);
  expect(tick(1_000)).toBe(2);
});

test('a leader that is found after the old one died ends the attempts', () => {
  const { core, tick, meet, lose } = createElectionHints(THREE);
  meet('b', 'c');
  core.leader = serverOf('b');
  lose('b');
  expect(tick(SUSPECT_TICKS + ELECTION_TICKS / 2 + 1)).toBe(1);
  core.leader = serverOf('c');
  tick(1);
  core.leader = undefined;
  expect(tick(100)).toBe(1);
});

test("a follower's death is no reason to stand", () => {
  const { core, tick, meet, lose } = createElectionHints(THREE);
  meet('b', 'c');
  core.leader = serverOf('b');
  tick(1);
  lose('c');
  expect(core.leader).toBe(serverOf('b'));
  core.leader = undefined;
  expect(tick(100)).toBe(0);
});

test('a server that is alone after the leader died waits for its timeout', () => {
  const { core, tick, meet, lose } = createElectionHints(THREE);
  meet('b');
  core.leader = serverOf('b');
  lose('b');
  expect(tick(100)).toBe(0);
});

test('the attempts end once a leader was known, even if that one falls silent', () => {
  const { core, tick, meet } = createElectionHints(THREE);
  core.leader = serverOf('b');
  tick(1);
  core.leader = undefined;
  meet('b', 'c');
  expect(tick(100)).toBe(0);
});

test.each<{ who: string; roles: Readonly<Record<string, Role>> }>([
  { who: 'a learner', roles: { ...THREE, a: 'learner' } },
  { who: 'a server that belongs to nothing yet', roles: {} },
])('$who attempts nothing', ({ roles }) => {
  const { tick, meet } = createElectionHints(roles);
  meet('b', 'c');
  expect(tick(100)).toBe(0);
});
