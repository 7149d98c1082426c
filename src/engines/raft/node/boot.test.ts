import { expect, test } from 'vitest';
import { SeededGenerator } from '../../../shared/seeded-generator.ts';
import { boot } from './boot.ts';
import { type LoadedState, loadDurableState, putRemoved } from './log/durable-records.ts';
import type { RaftOptions } from './options.ts';
import { StateStore } from './state/state-store.ts';
import { TestClock, TestLogger } from './testing/clock.ts';
import { testOptions } from './testing/cluster.ts';
import { TestStore, writesOf } from './testing/store.ts';

function createDisk() {
  const clock = new TestClock();
  const store = new TestStore(clock);
  const logger = new TestLogger();
  const random = new SeededGenerator(1);
  const start = (change: Partial<RaftOptions> = {}): LoadedState => {
    let loaded: LoadedState | undefined;
    boot({ store, logger, random }, testOptions('a', change), (error, state) => {
      if (error !== undefined) throw error;
      loaded = state;
    });
    clock.advance(5);
    if (loaded === undefined) throw new Error('it did not start');
    return loaded;
  };
  const write = (operations: Parameters<TestStore['write']>[0]): void => {
    store.write(operations, () => undefined);
    clock.advance(5);
  };
  return { clock, store, logger, start, write };
}

test('a new node waits to be joined, under a new server id', () => {
  const loaded = createDisk().start();
  expect(loaded.identity).toMatchObject({ clusterId: '', boots: 1 });
  expect(loaded.identity.server).toMatch(/^a@[0-9a-f]{16}$/);
  expect([loaded.lastLog, loaded.applied.index, loaded.removed]).toEqual([{ index: 0, term: 0 }, 0, false]);
});

test('a bootstrapped node is the only voter of a new cluster', () => {
  const loaded = createDisk().start({ bootstrap: true });
  expect(loaded.identity.clusterId).toMatch(/^[0-9a-f]{16}$/);
  expect(loaded.configurations).toMatchObject([
    { index: 1, configuration: { members: [{ server: loaded.identity.server, role: 'voter' }] } },
  ]);
  expect(loaded.hardState).toEqual({ term: 1, votedFor: undefined });
});

test('every start is counted, keeps the server id, and returns the state on disk', () => {
  const { start, store } = createDisk();
  const [first, second, third] = [start({ bootstrap: true }), start(), start()];
  expect([first, second, third].map(({ identity }) => identity.boots)).toEqual([1, 2, 3]);
  expect(third.identity.server).toBe(first.identity.server);
  expect(third).toEqual(loadDurableState(store));
});

test('-bootstrap is ignored by a node that has a cluster, with a line in the log', () => {
  const { start, logger } = createDisk();
  const first = start({ bootstrap: true });
  const second = start({ bootstrap: true });
  expect(second.identity.clusterId).toBe(first.identity.clusterId);
  expect(logger.messages('info').at(-1)).toContain('-bootstrap is ignored');
});

test('a node that waited may found a cluster instead', () => {
  const { start } = createDisk();
  const first = start();
  const second = start({ bootstrap: true });
  expect(second.identity).toMatchObject({ server: first.identity.server, boots: 2 });
  expect(second.identity.clusterId).not.toBe('');
});

test('a removed server stays removed, unless it is started to join', () => {
  const { start, write } = createDisk();
  const first = start({ bootstrap: true });
  write([putRemoved()]);
  expect(start()).toMatchObject({ removed: true, identity: { server: first.identity.server } });
  const joining = start({ join: true });
  expect(joining).toMatchObject({ removed: false, identity: { clusterId: '', boots: 3 } });
  expect(joining.identity.server).not.toBe(first.identity.server);
  expect([joining.lastLog.index, joining.hardState]).toEqual([0, { term: 0, votedFor: undefined }]);
});

test('a member that is started to join keeps its state', () => {
  const { start } = createDisk();
  const first = start({ bootstrap: true });
  expect(start({ join: true }).identity.server).toBe(first.identity.server);
});

test.each([
  ['starts over', { startOver: true }, {}],
  ['starts over and founds a cluster', { startOver: true }, { bootstrap: true }],
])('a server that %s sees no row of its earlier life', (_, first, second) => {
  const { start, write, store } = createDisk();
  const before = new StateStore(store, start({ bootstrap: true }).applied.generation);
  before.put('old', 1);
  write(writesOf(before));
  start(first);
  const { applied } = start(second);
  const state = new StateStore(store, applied.generation);
  expect([...state.range({ prefix: '' })]).toEqual([]);
});

test('a disk that cannot be written fails the start', () => {
  const { clock, store, logger } = createDisk();
  store.failure = 'disk_full';
  const errors: unknown[] = [];
  boot({ store, logger, random: new SeededGenerator(1) }, testOptions('a'), (error) => errors.push(error));
  clock.advance(5);
  expect(errors).toMatchObject([{ code: 'disk_full' }]);
});
