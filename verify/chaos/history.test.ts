import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Violations } from '../kit/violations.ts';
import type { Operation } from './acknowledged.ts';
import { type Ending, History } from './history.ts';

let directory: string;
let history: History;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-history-'));
  history = new History(path.join(directory, 'history.jsonl'));
});
afterEach(() => {
  history.close();
  fs.rmSync(directory, { recursive: true });
});

const asks = (operation: Operation) =>
  history.begin({ process: 'client1', node: 'node1', workcell: 'b0', operation });

function answered(operation: Operation, result: string): void {
  history.end(asks(operation), { kind: 'answered', result });
}

function ends(operation: Operation, kind: Exclude<Ending['kind'], 'answered'>): void {
  history.end(asks(operation), { kind });
}

function judged(): string[] {
  const violations = new Violations();
  expect(history.check(violations)).toEqual({ undecided: 0 });
  return violations.found.map(({ property }) => property);
}

describe('a history', () => {
  test('of consistent answers is clean', () => {
    answered({ kind: 'read-printer' }, 'none');
    answered({ kind: 'add-printer' }, 'created');
    answered({ kind: 'add-spool', total: 1_000, remaining: 900 }, 'created 1000/900/0');
    answered({ kind: 'add-job', job: '0', weight: 100 }, 'created Queued 100');
    answered({ kind: 'set-status', job: '0', status: 'Running' }, 'changed Running');
    answered({ kind: 'read-spool' }, '1000/900/100');
    answered({ kind: 'read-jobs' }, '0:Running:100');
    expect(judged()).toEqual([]);
    expect(history.staleReads()).toEqual([]);
  });

  test.each<[string, Operation, string]>([
    ['printer', { kind: 'read-printer' }, 'none'],
    ['spool', { kind: 'read-spool' }, 'none'],
    ['job', { kind: 'read-jobs' }, ''],
    ['status', { kind: 'read-jobs' }, '0:Queued:100'],
  ])(
    'with a read that misses an acknowledged %s is not linearizable, and the read is stale',
    (_, read, seen) => {
      answered({ kind: 'add-printer' }, 'created');
      answered({ kind: 'add-spool', total: 1_000, remaining: 900 }, 'created 1000/900/0');
      answered({ kind: 'add-job', job: '0', weight: 100 }, 'created Queued 100');
      answered({ kind: 'set-status', job: '0', status: 'Running' }, 'changed Running');
      answered(read, seen);
      expect(judged()).toEqual(['linearizability']);
      expect(history.staleReads()).toHaveLength(1);
    },
  );

  test('a write of unknown end may show in a read or not, but must not vanish again', () => {
    ends({ kind: 'add-printer' }, 'unknown');
    answered({ kind: 'read-printer' }, 'none');
    answered({ kind: 'read-printer' }, 'there');
    expect(judged()).toEqual([]);
    answered({ kind: 'read-printer' }, 'none');
    expect(judged()).toEqual(['linearizability']);
  });

  test('a write that was refused without effect must never show', () => {
    ends({ kind: 'add-printer' }, 'no-effect');
    answered({ kind: 'read-printer' }, 'there');
    expect(judged()).toEqual(['linearizability']);
  });

  test('a creation that is acknowledged twice is not linearizable', () => {
    answered({ kind: 'add-printer' }, 'created');
    answered({ kind: 'add-printer' }, 'created');
    expect(judged()).toEqual(['linearizability']);
  });

  test('is written as JSON lines', () => {
    answered({ kind: 'set-status', job: '0', status: 'Done' }, 'not_found');
    ends({ kind: 'add-printer' }, 'unknown');
    const lines = fs.readFileSync(path.join(directory, 'history.jsonl'), 'utf8').trim().split('\n');
    const [first, second] = lines.map((line) => JSON.parse(line));
    expect(first).toEqual({
      process: 'client1',
      node: 'node1',
      operation: 'set-status',
      key: 'b0',
      value: { job: '0', status: 'Done' },
      invocation_ns: expect.any(Number),
      response_ns: expect.any(Number),
      outcome: 'answered',
      result: 'not_found',
    });
    expect(second).toMatchObject({ outcome: 'unknown', response_ns: null, result: null });
  });
});
