import { beforeEach, describe, expect, test } from 'vitest';
import { type KeyValueStoreHarness, put, remove, writeTo } from '../../test/contracts/key-value-store.ts';
import { simulatedHarness } from '../../test/contracts/key-value-store-simulated.ts';
import { seal } from '../codec/sealed-record.ts';
import { adjacentRow } from '../codec/test-rows.ts';
import type { Configuration } from '../raft/configuration.ts';
import type { Entry } from '../raft/entry.ts';
import { entryKey, HARD_STATE_KEY, IDENTITY_KEY, stateKey } from './keys.ts';
import {
  deleteEntries,
  FORMAT_VERSION,
  initialRecords,
  type LoadedState,
  loadAppliedRecord,
  loadDurableState,
  type NodeIdentity,
  putApplied,
  putEntries,
  putHardState,
  putIdentity,
  putLogStart,
  putRemoved,
  StoredLog,
  startOver,
  verifyRow,
} from './log-store.ts';
import type { KeyValueStore, WriteOperation } from './ports.ts';

const identity: NodeIdentity = { server: 'node1@0123456789abcdef', clusterId: '', boots: 1 };
const configuration: Configuration = {
  members: [
    { server: 'node1@a', role: 'voter', raftAddress: '127.0.0.1:7000', httpAddress: '127.0.0.1:8080' },
  ],
  removed: ['node9@b'],
};

function command(index: number, term: number, bytes = 10): Entry {
  return { kind: 'command', index, term, data: new Uint8Array(bytes).fill(index) };
}

/** Entries 1 to 6 of terms 1, 1, 1, 2, 2, 3; the second sets a configuration. */
const LOG: readonly Entry[] = [
  { kind: 'leader-start', index: 1, term: 1 },
  { kind: 'configuration', index: 2, term: 1, configuration },
  command(3, 1),
  { kind: 'leader-start', index: 4, term: 2 },
  command(5, 2, 300),
  command(6, 3),
];

describe('the durable state of a server', () => {
  let harness: KeyValueStoreHarness;
  let store: KeyValueStore;
  beforeEach(async () => {
    harness = simulatedHarness();
    store = await harness.open();
  });
  const write = async (operations: readonly WriteOperation[]): Promise<void> => {
    expect(await writeTo(store, harness, operations)).toBeUndefined();
  };
  const load = (): LoadedState => {
    const loaded = loadDurableState(store);
    if (loaded === undefined) throw new Error('the store is not new');
    return loaded;
  };
  const expectDamage = (what: RegExp): void => {
    expect(() => loadDurableState(store)).toThrow(
      expect.objectContaining({ code: 'log_damaged', message: expect.stringMatching(what) }),
    );
  };
  const writeLog = (): Promise<void> =>
    write([
      ...initialRecords(identity),
      putHardState({ term: 3, votedFor: 'node2@c' }),
      putApplied({ index: 4, term: 2, configuration, configurationIndex: 2, generation: 1 }),
      ...putEntries(LOG),
    ]);

  test('a new store has none', () => {
    expect(loadDurableState(store)).toBeUndefined();
  });

  test('a server that has seen nothing is loaded as it was made', async () => {
    await write(initialRecords(identity));
    expect(load()).toEqual({
      identity,
      hardState: { term: 0, votedFor: undefined },
      logStart: { index: 0, term: 0 },
      lastLog: { index: 0, term: 0 },
      logBytes: 0,
      applied: {
        index: 0,
        term: 0,
        configuration: { members: [], removed: [] },
        configurationIndex: 0,
        generation: 1,
      },
      configurations: [],
      removed: false,
    });
  });

  test('term, vote, log, configurations and applied record come back', async () => {
    await writeLog();
    await write([putIdentity({ ...identity, clusterId: 'shop', boots: 2 }), putRemoved()]);
    const loaded = load();
    expect(loaded.identity).toEqual({ ...identity, clusterId: 'shop', boots: 2 });
    expect(loaded.hardState).toEqual({ term: 3, votedFor: 'node2@c' });
    expect(loaded.lastLog).toEqual({ index: 6, term: 3 });
    expect(loaded.configurations).toEqual([{ index: 2, configuration }]);
    expect(loaded.applied).toEqual({
      index: 4,
      term: 2,
      configuration,
      configurationIndex: 2,
      generation: 1,
    });
    expect(loadAppliedRecord(store)).toEqual(loaded.applied);
    expect(loaded.removed).toBe(true);
    expect(loaded.logBytes).toBeGreaterThan(320);
  });

  test('a compacted log starts where it says', async () => {
    await writeLog();
    await write([putLogStart({ index: 4, term: 2 }), ...deleteEntries(1, 4)]);
    expect(load()).toMatchObject({ logStart: { index: 4, term: 2 }, lastLog: { index: 6, term: 3 } });
    await write([
      putLogStart({ index: 6, term: 3 }),
      putApplied({ index: 6, term: 3, configuration, configurationIndex: 2, generation: 1 }),
      ...deleteEntries(5, 6),
    ]);
    expect(load()).toMatchObject({ lastLog: { index: 6, term: 3 }, logBytes: 0 });
  });

  test('a write replaces the tail that it removes (§5.3)', async () => {
    await writeLog();
    await write([...deleteEntries(5, 6), ...putEntries([command(5, 3)])]);
    expect(load().lastLog).toEqual({ index: 5, term: 3 });
  });

  test('a removed server starts over as a new one that knows nothing', async () => {
    await writeLog();
    await write([putRemoved()]);
    const fresh = { server: 'node1@fedcba9876543210', clusterId: '', boots: 3 };
    await write(startOver(fresh, { loaded: load(), generation: 7 }));
    expect(load()).toMatchObject({
      identity: fresh,
      hardState: { term: 0, votedFor: undefined },
      lastLog: { index: 0, term: 0 },
      applied: { index: 0, generation: 7 },
      removed: false,
    });
  });

  test('a flipped bit anywhere in an entry or record is damage that is named', async () => {
    await writeLog();
    const rows = [...store.range({ from: Uint8Array.of(0), to: Uint8Array.of(0xff) })];
    for (const { key, value } of rows) {
      for (const at of [0, Math.floor(value.length / 2), value.length - 1]) {
        const damaged = value.slice();
        damaged[at] = (damaged[at] ?? 0) ^ 0x10;
        await write([put(key, damaged)]);
        expectDamage(/entry \d|m\/(identity|hard-state|log-start|applied)/);
      }
      await write([put(key, value)]);
    }
    expect(load().lastLog.index).toBe(6);
  });

  test('the last entry is not cut when it is damaged: it was acknowledged', async () => {
    await writeLog();
    const key = entryKey(6);
    await write([put(key, (store.get(key) ?? key).subarray(0, 8))]);
    expectDamage(/entry 6 cannot be read/);
  });

  test('an entry under another key is damage', async () => {
    await writeLog();
    await write([put(entryKey(5), store.get(entryKey(6)) ?? '')]);
    expectDamage(/entry 5 cannot be read/);
  });

  test('an entry that is missing in the middle is damage', async () => {
    await writeLog();
    await write([remove(entryKey(3))]);
    expectDamage(/entry 3 is missing/);
  });

  test('an entry that lies before the start of the log is damage', async () => {
    await writeLog();
    await write([putLogStart({ index: 4, term: 2 }), ...deleteEntries(2, 4)]);
    expectDamage(/entry 5 is missing/);
  });

  test('a log that ends before what was applied is damage', async () => {
    await writeLog();
    await write(deleteEntries(4, 6));
    expectDamage(/the log ends at 3 and the state has applied 4/);
  });

  test('a state that is behind the start of the log is damage', async () => {
    await writeLog();
    await write([putLogStart({ index: 5, term: 2 }), ...deleteEntries(1, 5)]);
    expectDamage(/compacted/);
  });

  test('terms that decrease, or differ from what was applied, are damage', async () => {
    await writeLog();
    await write(putEntries([command(6, 1)]));
    expectDamage(/entry 6 has term 1/);
    await write(putEntries([command(6, 3), command(4, 1)]));
    expectDamage(/entry 4 has term 1 and was applied with term 2/);
  });

  test('a log whose last term is after the current one is damage', async () => {
    await writeLog();
    await write([putHardState({ term: 2, votedFor: undefined })]);
    expectDamage(/after the current term 2/);
  });

  test('a vote that is missing is damage, never no vote', async () => {
    await writeLog();
    await write([remove(HARD_STATE_KEY)]);
    expectDamage(/m\/hard-state is missing/);
  });

  test('a log without an identity is damage, never a new store', async () => {
    await writeLog();
    await write([remove(IDENTITY_KEY)]);
    expectDamage(/m\/identity is missing/);
  });

  test('a store of another format is refused', async () => {
    const payload = new TextEncoder().encode(JSON.stringify({ format: FORMAT_VERSION + 1, ...identity }));
    await write([...initialRecords(identity), put(IDENTITY_KEY, seal(IDENTITY_KEY, payload))]);
    expect(() => loadDurableState(store)).toThrow(expect.objectContaining({ code: 'store_version' }));
  });

  test('a store of another format is no damaged one: its identity is checked before the rows of the state', () => {
    const payload = new TextEncoder().encode(JSON.stringify({ format: FORMAT_VERSION - 1, ...identity }));
    expect(() => verifyRow(adjacentRow(IDENTITY_KEY, seal(IDENTITY_KEY, payload)))).toThrow(
      expect.objectContaining({ code: 'store_version' }),
    );
    expect(Buffer.compare(IDENTITY_KEY, stateKey(0, new Uint8Array(0)))).toBe(-1);
  });

  describe('read by the core', () => {
    let log: StoredLog;
    beforeEach(async () => {
      await writeLog();
      log = new StoredLog(store);
    });

    test('gives the terms of entries', () => {
      expect([1, 2, 3, 4, 5, 6].map((index) => log.term(index))).toEqual([1, 1, 1, 2, 2, 3]);
      expect(() => log.term(7)).toThrow(expect.objectContaining({ code: 'log_damaged' }));
    });

    test('gives entries as they were put, from included, to not', () => {
      expect(log.entries(1, 7, 1_000_000)).toEqual(LOG);
      expect(log.entries(3, 5, 1_000_000)).toEqual(LOG.slice(2, 4));
    });

    test('gives at least one entry, and then as many as fit', () => {
      expect(log.entries(5, 7, 1)).toEqual([LOG[4]]);
      expect(log.entries(3, 7, 100)).toEqual(LOG.slice(2, 4));
    });

    test('never passes over an entry that is missing', async () => {
      await write([remove(entryKey(4))]);
      expect(() => log.entries(3, 7, 1_000_000)).toThrow(expect.objectContaining({ code: 'log_damaged' }));
      await write([remove(entryKey(6))]);
      expect(() => log.entries(5, 7, 1_000_000)).toThrow(/entry 6 is missing/);
    });
  });
});
