import { describe, expect, test } from 'vitest';
import { type LocalState, LocalStates } from './local-states.ts';
import { type History, judge, NO_HISTORY } from './safety.ts';
import { votersOnly } from './scenario.ts';

const SERVERS = ['a', 'b', 'c'];
const LOCALS = new LocalStates(votersOnly(SERVERS), [(server) => server]);

function judged(next: Partial<LocalState>, history: History = NO_HISTORY, other: Partial<LocalState> = {}) {
  const before = LOCALS.boot('a');
  const after = { ...before, ...next };
  const cluster = [after, { ...LOCALS.boot('b'), ...other }, LOCALS.boot('c')];
  return judge(history, {
    before,
    cluster,
    transition: { next: after, sent: [], applied: [], violation: undefined },
  });
}

const COMMITTED: History = { leaders: [undefined, 'b'], committed: [{ entry: '1:start', inTerm: 1 }] };

describe('the safety checks', () => {
  test('find two leaders in one term', () => {
    expect(judged({ isLeader: true, term: 1 }, COMMITTED)).toMatch(/^Election Safety/);
  });

  test('find a leader that lacks an entry committed in an earlier term', () => {
    expect(judged({ isLeader: true, term: 2 }, COMMITTED)).toMatch(/^Leader Completeness/);
  });

  test('find two different entries committed at one index', () => {
    expect(judged({ term: 2, log: ['2:start'], commitIndex: 1 }, COMMITTED)).toMatch(/^State Machine Safety/);
  });

  test('find a committed entry that is on no majority of disks', () => {
    expect(judged({ term: 1, log: ['1:1'], diskLog: ['1:1'], commitIndex: 1 })).toMatch(/^durable commits/);
  });

  test('find logs that differ at an index and agree in a later term', () => {
    const log = ['1:start', '3:start'];
    expect(judged({ log }, NO_HISTORY, { log: ['2:start', '3:start'] })).toMatch(/^Log Matching/);
  });

  test('find a leader that counts an entry on a disk that lacks it', () => {
    const leader = { isLeader: true, term: 1, log: ['1:start'], matches: [['b', 1]] as const };
    expect(judged(leader)).toMatch(/^durable promises/);
  });

  test('accept the first leader', () => {
    expect(judged({ isLeader: true, term: 1 })).toEqual({ leaders: [undefined, 'a'], committed: [] });
  });
});
