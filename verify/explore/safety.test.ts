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

describe('the checks find', () => {
  test('two leaders in a term', () => {
    expect(judged({ isLeader: true, term: 1 }, COMMITTED)).toMatch(/^election safety/);
  });

  test('a leader that lacks what an earlier term committed', () => {
    expect(judged({ isLeader: true, term: 2 }, COMMITTED)).toMatch(/^leader completeness/);
  });

  test('another entry committed at the same index', () => {
    expect(judged({ term: 2, log: ['2:start'], commitIndex: 1 }, COMMITTED)).toMatch(/^state machine safety/);
  });

  test('a commit that is on no majority of disks', () => {
    expect(judged({ term: 1, log: ['1:1'], diskLog: ['1:1'], commitIndex: 1 })).toMatch(/^durable commits/);
  });

  test('logs that part and meet again', () => {
    const log = ['1:start', '3:start'];
    expect(judged({ log }, NO_HISTORY, { log: ['2:start', '3:start'] })).toMatch(/^log matching/);
  });

  test('a leader that counts on a disk that holds nothing', () => {
    const leader = { isLeader: true, term: 1, log: ['1:start'], matches: [['b', 1]] as const };
    expect(judged(leader)).toMatch(/^durable promises/);
  });

  test('nothing wrong with a first leader', () => {
    expect(judged({ isLeader: true, term: 1 })).toEqual({ leaders: [undefined, 'a'], committed: [] });
  });
});
