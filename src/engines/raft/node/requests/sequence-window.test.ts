import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SequenceWindow } from './sequence-window.ts';

test('deleted values make place for new ones, also after the ring has grown while it wrapped around', () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('add' as const) }),
      fc.record({ kind: fc.constant('delete' as const), which: fc.nat() }),
    ),
    { maxLength: 400 },
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 40 }),
      fc.nat({ max: 200 }),
      steps,
      (first, backlog, drawn) => {
        const window = new SequenceWindow<{ at: number }>(first);
        const model = new Map<number, { at: number }>();
        let next = first;
        const add = (): void => {
          const value = { at: next };
          window.add(value);
          model.set(next, value);
          next += 1;
        };
        for (let count = 0; count < backlog; count++) add();
        for (const step of drawn) {
          const waiting = [...model.keys()];
          const sequence = step.kind === 'delete' ? waiting[step.which % waiting.length] : undefined;
          if (sequence === undefined) add();
          else {
            window.delete(sequence);
            model.delete(sequence);
          }
          expect(window.next).toBe(next);
          expect(window.size).toBe(model.size);
          expect(window.oldest).toBe(Math.min(next, ...model.keys()));
        }
        expect([...window.values()]).toEqual([...model.values()]);
        for (let sequence = first - 2; sequence < next + 2; sequence++) {
          expect(window.get(sequence)).toBe(model.get(sequence));
        }
      },
    ),
  );
});

test('values that are deleted during an iteration are skipped', () => {
  const window = new SequenceWindow<{ at: number }>(5);
  for (let at = 0; at < 4; at++) window.add({ at });
  const seen: number[] = [];
  for (const { at } of window.values()) {
    seen.push(at);
    if (at === 0) window.delete(6);
    window.delete(5 + at);
  }
  expect(seen).toEqual([0, 2, 3]);
  expect(window.size).toBe(0);
});
