import { expect, test } from 'vitest';
import { encodeRowImage } from '../../../../verify/kit/row-image.ts';
import { DiskWriter } from './disk-writer.ts';
import { TestClock, TestLogger } from './testing/clock.ts';
import { TestStore, textOf } from './testing/store.ts';

function put(name: string) {
  return [{ kind: 'put', key: new TextEncoder().encode(name), value: new Uint8Array([1]) }] as const;
}

function createWriter() {
  const clock = new TestClock();
  const store = new TestStore(clock);
  const logger = new TestLogger();
  const done: string[] = [];
  const fatal: Error[] = [];
  const writer = new DiskWriter({ store, clock, logger }, (error) => fatal.push(error));
  const write = (name: string): void => writer.write({ operations: put(name) }, () => done.push(name));
  const written = (): string[] =>
    store.written.map(([operation]) => textOf(operation?.key ?? new Uint8Array()));
  return { clock, store, logger, writer, write, done, fatal, written };
}

test('writes reach the disk one after the other, in the order of the calls', () => {
  const { clock, store, write, done, written } = createWriter();
  for (const name of ['a', 'b', 'c']) write(name);
  expect(store.pendingWrites).toBe(1);
  clock.advance(10);
  expect([written(), done]).toEqual([
    ['a', 'b', 'c'],
    ['a', 'b', 'c'],
  ]);
});

test('a write is reported after the disk has it', () => {
  const { clock, store, write, done } = createWriter();
  store.isHeld = true;
  write('a');
  clock.advance(1_000);
  expect(done).toEqual([]);
});

test('a full disk delays writes and neither drops nor reorders them (trap 33)', () => {
  const { clock, store, writer, write, done, written, logger } = createWriter();
  store.failure = 'disk_full';
  for (const name of ['a', 'b']) write(name);
  clock.advance(1_000);
  expect([writer.isFull, done]).toEqual([true, []]);
  store.failure = undefined;
  write('c');
  clock.advance(1_000);
  expect([written(), done, writer.isFull]).toEqual([['a', 'b', 'c'], ['a', 'b', 'c'], false]);
  expect(logger.messages('error')).toHaveLength(1);
  expect(logger.messages('info')).toHaveLength(1);
});

test('a failing disk ends the writer, and no further write is begun', () => {
  const { clock, store, writer, write, done, fatal } = createWriter();
  store.failure = 'storage_failed';
  for (const name of ['a', 'b']) write(name);
  clock.advance(1);
  writer.stop();
  clock.advance(1_000);
  expect(fatal).toMatchObject([{ code: 'storage_failed' }]);
  expect([done, store.pendingWrites]).toEqual([[], 0]);
});

test('a write under way at the stop ends without a report', () => {
  const { clock, writer, write, done, written } = createWriter();
  for (const name of ['a', 'b']) write(name);
  writer.stop();
  clock.advance(1_000);
  expect([written(), done]).toEqual([['a'], []]);
});

test('a write that found the disk full is not repeated after the stop', () => {
  const { clock, store, writer, write, written } = createWriter();
  store.failure = 'disk_full';
  write('a');
  clock.advance(10);
  writer.stop();
  store.failure = undefined;
  clock.advance(1_000);
  expect(written()).toEqual([]);
});

test('a write that is requested while another is reported waits its turn', () => {
  const { clock, writer, write, written } = createWriter();
  writer.write({ operations: put('a') }, () => write('c'));
  write('b');
  clock.advance(10);
  expect(written()).toEqual(['a', 'b', 'c']);
});

test('the writer is idle when the last write was reported, and not before', () => {
  const { clock, writer, write } = createWriter();
  expect(writer.isIdle).toBe(true);
  write('a');
  expect(writer.isIdle).toBe(false);
  clock.advance(10);
  expect(writer.isIdle).toBe(true);
});

test('an image is adopted in its turn, and tried again until there is space', () => {
  const { clock, store, writer, write, done, written } = createWriter();
  const staging = store.stageImage();
  const image = encodeRowImage([{ key: new TextEncoder().encode('s1'), value: new Uint8Array([7]) }]);
  staging.append(image, () => undefined);
  staging.finish(
    () => undefined,
    () => undefined,
  );
  clock.advance(5);
  write('a');
  writer.write({ operations: put('b'), image: staging }, () => done.push('b'));
  write('c');
  clock.runUntil(() => done.length === 1, 'the first is written');
  store.failure = 'disk_full';
  clock.advance(1_000);
  expect(done).toEqual(['a']);
  store.failure = undefined;
  clock.advance(1_000);
  expect([written(), done]).toEqual([
    ['a', 'b', 'c'],
    ['a', 'b', 'c'],
  ]);
  expect(store.get(new TextEncoder().encode('s1'))).toEqual(new Uint8Array([7]));
});
