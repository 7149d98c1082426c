import { beforeEach, describe, expect, test } from 'vitest';
import { MemoryState } from '../../../src/state/memory-state.ts';
import type { StateView } from '../../../src/state/state-view.ts';
import { Violations } from '../../kit/violations.ts';
import { AppliedCommands, type ReplicaCursor } from './applied-commands.ts';
import { contentOfState } from './state-content.ts';

interface Replica {
  readonly name: string;
  readonly state: MemoryState;
  readonly cursor: ReplicaCursor;
}

let violations: Violations;
let commands: AppliedCommands;
let a: Replica;
let b: Replica;

function found(): string[] {
  return violations.found.map(({ property }) => property);
}

function newReplica(name: string, appliedIndex = 0, state = new MemoryState()): Replica {
  return { name, state, cursor: commands.begin(name, appliedIndex, contentOfState(state)) };
}

function apply({ name, state, cursor }: Replica, index: number, attempt = index, value = attempt): void {
  const put = (view: StateView): string => {
    view.put(`row/${attempt}`, value);
    return 'done';
  };
  commands.applying({ name, cursor, attempt, index: () => index }, state, put);
}

beforeEach(() => {
  violations = new Violations();
  commands = new AppliedCommands(violations, () => undefined);
  a = newReplica('a');
  b = newReplica('b');
});

test('replicas that apply the same commands violate nothing, also where indexes hold no command', () => {
  for (const replica of [a, b]) for (const index of [2, 3, 7]) apply(replica, index);
  for (const { name, state } of [a, b]) commands.expectComplete(name, state);
  expect(found()).toEqual([]);
  expect(commands.count).toBe(3);
});

describe('State Machine Safety is violated', () => {
  test('by a different command at an index', () => {
    apply(a, 2, 10);
    apply(b, 2, 11);
    expect(found()).toContain('State Machine Safety');
  });

  test('by a skipped command', () => {
    for (const index of [2, 3]) apply(a, index);
    apply(b, 3);
    expect(found()).toContain('State Machine Safety');
  });

  test('by a command at an index that was already applied', () => {
    apply(a, 3, 10);
    apply(a, 2, 11);
    expect(found()).toContain('State Machine Safety');
  });
});

test('a command that is applied twice is found', () => {
  apply(a, 2, 10);
  apply(a, 3, 10);
  expect(found()).toEqual(['no command is applied twice']);
});

test('a command with different effects on another replica is found', () => {
  apply(a, 2, 10, 1);
  apply(b, 2, 10, 2);
  expect(found()).toEqual(['replicas are equal']);
});

describe('a state from a disk or a snapshot', () => {
  beforeEach(() => {
    for (const index of [2, 3, 4]) apply(a, index);
  });

  test('equals the commands applied up to its index, and continues from there', () => {
    for (const index of [2, 3]) apply(b, index);
    const again = newReplica('b', 3, b.state);
    apply(again, 4);
    expect(found()).toEqual([]);
  });

  test('may hold session rows beside the rows of the farm', () => {
    for (const index of [2, 3, 4]) apply(b, index);
    b.state.put('raft/session/x', 1);
    newReplica('b', 4, b.state);
    expect(found()).toEqual([]);
  });

  test('with fewer rows than its applied index implies is found', () => {
    apply(b, 2);
    newReplica('b', 3, b.state);
    expect(found()).toEqual(['replicas are equal']);
  });

  test('with more rows than its applied index implies is found', () => {
    for (const index of [2, 3]) apply(b, index);
    newReplica('b', 2, b.state);
    expect(found()).toEqual(['replicas are equal']);
  });
});

describe('answers to clients', () => {
  test('an acknowledged attempt that no replica applied is found', () => {
    commands.acknowledged(10);
    expect(found()).toEqual(['acknowledged means applied']);
  });

  test('a refused attempt that is applied is found, before and after the refusal', () => {
    commands.refused(10);
    apply(a, 2, 10);
    apply(a, 3, 11);
    commands.refused(11);
    expect(found()).toEqual(['refused means never applied', 'refused means never applied']);
  });

  test('a final state that lacks a command is found', () => {
    for (const index of [2, 3]) apply(a, index);
    apply(b, 2);
    commands.expectComplete('b', b.state);
    expect(found()).toEqual(['no applied command is lost']);
  });
});
