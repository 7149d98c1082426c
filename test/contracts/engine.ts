// The contract of the engine port. Every engine passes it.

import { describe, expect, test } from 'vitest';
import type {
  Engine,
  Position,
  ProposalOutcome,
  ReadOutcome,
  StateMachine,
} from '../../src/engines/engine.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A command is a key. Applying it appends the position to the row, and returns the row. */
class Recorder implements StateMachine {
  readonly positions: Position[] = [];

  apply(...[view, command, position]: Parameters<StateMachine['apply']>): unknown {
    this.positions.push(position);
    const key = `record/${decoder.decode(command)}`;
    const row = [...((view.get(key) as number[] | undefined) ?? []), position];
    view.put(key, row);
    return row;
  }
}

function propose(engine: Engine, key: string): Promise<ProposalOutcome> {
  return new Promise((resolve) => engine.propose(encoder.encode(key), resolve));
}

function readBarrier(engine: Engine): Promise<ReadOutcome> {
  return new Promise((resolve) => engine.readBarrier(resolve));
}

/** Returns the row that the command left; fails when it was not applied. */
async function write(engine: Engine, key: string): Promise<unknown> {
  const outcome = await propose(engine, key);
  expect(outcome.kind).toBe('applied');
  return outcome.kind === 'applied' ? outcome.result : undefined;
}

/** `open` starts an engine that is ready, with a state machine that has applied nothing. */
export function engineContract(name: string, open: (stateMachine: StateMachine) => Engine): void {
  describe(`the engine port: ${name}`, () => {
    function start() {
      const recorder = new Recorder();
      return { engine: open(recorder), recorder };
    }

    test('a proposal is applied, and its result comes to the proposer', async () => {
      const { engine } = start();
      const row = await write(engine, 'a');
      expect(engine.state().get('record/a')).toEqual(row);
    });

    test('no answer comes inside the call', async () => {
      const { engine } = start();
      let isInside = true;
      const answers: boolean[] = [];
      await new Promise<void>((resolve) => {
        const note = (): void => {
          if (answers.push(isInside) === 2) resolve();
        };
        engine.propose(encoder.encode('a'), note);
        engine.readBarrier(note);
        isInside = false;
      });
      expect(answers).toEqual([false, false]);
    });

    test('each answer comes once', async () => {
      const { engine } = start();
      let answers = 0;
      engine.propose(encoder.encode('a'), () => {
        answers += 1;
      });
      await write(engine, 'b');
      await readBarrier(engine);
      expect(answers).toBe(1);
    });

    test('each command has a later position than the one before, and apply is told it', async () => {
      const { engine, recorder } = start();
      const rows = await Promise.all(['a', 'a', 'a'].map((key) => write(engine, key)));
      await write(engine, 'b');
      const { positions } = recorder;
      const rising = [...new Set(positions)].sort((a, b) => a - b);
      expect(positions.slice(0, 4)).toEqual(rising.slice(0, 4));
      expect(rows.at(-1)).toEqual(positions.slice(0, 3));
    });

    test('the position of the engine covers every command that was answered', async () => {
      const { engine } = start();
      const before = engine.position();
      const row = (await write(engine, 'a')) as number[];
      expect(row[0]).toBeGreaterThan(before);
      expect(engine.position()).toBeGreaterThanOrEqual(row[0] ?? Number.POSITIVE_INFINITY);
      expect(Number.isSafeInteger(engine.position())).toBe(true);
      expect(String(engine.position())).toMatch(/^\d+$/);
    });

    test('commands that are proposed together are applied once each, in one order', async () => {
      const { engine } = start();
      const keys = Array.from({ length: 50 }, (_, number) => `k${number}`);
      await Promise.all(keys.map((key) => write(engine, key)));
      const rows = keys.map((key) => engine.state().get(`record/${key}`) as number[]);
      expect(rows.map(({ length }) => length)).toEqual(keys.map(() => 1));
      expect(new Set(rows.flat()).size).toBe(keys.length);
    });

    test('after a read barrier the state holds every write that was answered before', async () => {
      const { engine } = start();
      const row = await write(engine, 'a');
      expect(await readBarrier(engine)).toEqual({ kind: 'ready' });
      expect(engine.state().get('record/a')).toEqual(row);
    });

    test('a listener is told the new position after commands were applied, once a batch', async () => {
      const { engine } = start();
      const told: Position[] = [];
      engine.onAdvance((position) => told.push(position));
      const keys = Array.from({ length: 50 }, (_, number) => `k${number}`);
      await Promise.all(keys.map((key) => write(engine, key)));
      await readBarrier(engine);
      expect(told.at(-1)).toBe(engine.position());
      expect(told.length).toBeLessThan(keys.length);
      expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
    });

    test('a listener that has left is told nothing, and others still are', async () => {
      const { engine } = start();
      const told: string[] = [];
      const listener = (): void => {
        told.push('twice');
      };
      const leave = engine.onAdvance(listener);
      engine.onAdvance(listener);
      leave();
      leave();
      engine.onAdvance(() => told.push('once'));
      await write(engine, 'a');
      await readBarrier(engine);
      expect(new Set(told)).toEqual(new Set(['twice', 'once']));
      expect(told.filter((who) => who === 'twice')).toHaveLength(told.length / 2);
    });

    test('the version of a collection grows when a row of it is written', async () => {
      const { engine } = start();
      const before = engine.state().version('record/');
      await write(engine, 'a');
      expect(engine.state().version('record/')).toBeGreaterThan(before);
    });

    test('an engine that answers is ready, knows a leader, and is hardly stale', async () => {
      const { engine } = start();
      await write(engine, 'a');
      const { kind, node, clusterId, isLeader, leader, details } = engine.health();
      expect(kind).toBe('ready');
      expect([node, clusterId, leader?.node]).not.toContain('');
      expect(leader?.node === node).toBe(isLeader);
      expect(JSON.parse(JSON.stringify(details))).toEqual(details);
      expect(engine.stalenessMs()).toBeLessThan(1_000);
    });

    test('the members, if the engine has any, include this node and the leader, and unknown ones are not removed', async () => {
      const { engine } = start();
      const { membership } = engine;
      if (membership === undefined) return;
      const { node, leader } = engine.health();
      const names = membership.members().map((member) => member.node);
      expect(names).toEqual(expect.arrayContaining([node, leader?.node]));
      for (const member of membership.members()) {
        expect([member.role, member.isHealthy]).toEqual(['voter', true]);
        expect(JSON.parse(JSON.stringify(member.details))).toEqual(member.details);
      }
      const outcome = await new Promise((resolve) =>
        membership.change({ kind: 'remove', node: 'nobody' }, resolve),
      );
      expect(outcome).toMatchObject({ kind: 'refused', code: 'not_found' });
    });
  });
}
