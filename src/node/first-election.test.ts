import { expect, test } from 'vitest';
import type { Role } from '../raft/configuration.ts';
import type { RaftCore } from '../raft/raft-core.ts';
import { FirstElection } from './first-election.ts';
import type { Peers } from './peers.ts';
import { configurationOf, serverOf } from './test-core.ts';

const ELECTION_TICKS = 20;
const THREE = { a: 'voter', b: 'voter', c: 'voter' } as const;

/** Node a of `roles`; `hints` counts how often its core was told to stand soon. */
function createFirstElection(roles: Readonly<Record<string, Role>>) {
  const reached = new Set<string>();
  const heard = new Set<string>();
  const core = {
    leader: undefined as string | undefined,
    configuration: configurationOf(roles),
    hints: 0,
    standSoon(): void {
      core.hints += 1;
    },
  };
  const peers = {
    isConnected: (server: string) => reached.has(server),
    isAlive: (server: string) => heard.has(server),
  };
  const firstElection = new FirstElection(
    { core: core as unknown as RaftCore, peers: peers as unknown as Peers },
    { self: serverOf('a'), electionTicks: ELECTION_TICKS },
  );
  const tick = (times: number): number => {
    for (let time = 0; time < times; time++) firstElection.tick();
    return core.hints;
  };
  const meet = (...nodes: string[]): void => {
    for (const server of nodes.map(serverOf)) {
      reached.add(server);
      heard.add(server);
    }
  };
  return { core, tick, meet, reach: (node: string) => reached.add(serverOf(node)) };
}

test('the first attempt comes when a majority of the voters is there, both ways', () => {
  const { tick, meet, reach } = createFirstElection(THREE);
  reach('b');
  expect(tick(100)).toBe(0);
  meet('b');
  expect(tick(1)).toBe(1);
});

test('two of five are no majority, and learners make none', () => {
  const { tick, meet } = createFirstElection({ ...THREE, d: 'voter', e: 'voter', f: 'learner' });
  meet('b', 'f');
  expect(tick(100)).toBe(0);
  meet('c');
  expect(tick(1)).toBe(1);
});

test('an attempt that elects nobody is repeated twice, half a time-out apart, and then no more', () => {
  const { tick, meet } = createFirstElection(THREE);
  meet('b', 'c');
  expect(tick(1)).toBe(1);
  expect(tick(ELECTION_TICKS / 2)).toBe(1);
  expect(tick(1)).toBe(2);
  expect(tick(1_000)).toBe(3);
});

test('once a leader was known it is over, also when that one goes', () => {
  const { core, tick, meet } = createFirstElection(THREE);
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
  const { tick, meet } = createFirstElection(roles);
  meet('b', 'c');
  expect(tick(100)).toBe(0);
});
