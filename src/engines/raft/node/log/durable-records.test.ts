import { beforeEach, describe, expect, test } from 'vitest';
import {
  type KeyValueStoreHarness,
  put,
  remove,
  writeTo,
} from '../../../../../test/contracts/key-value-store.ts';
import { simulatedHarness } from '../../../../../test/contracts/key-value-store-simulated.ts';
import { seal } from '../../codec/sealed-record.ts';
import { adjacentRow } from '../../codec/testing/rows.ts';
import type { Configuration } from '../../core/configuration.ts';
import { type Entry, entrySizeBytes } from '../../core/entry.ts';
import type { KeyValueStore, WriteOperation } from '../ports/key-value-store.ts';
import { stateKey } from '../state/state-keys.ts';
import {
  FORMAT_VERSION,
  initialRecords,
  type LoadedState,
  loadAppliedRecord,
  loadDurableState,
  type NodeIdentity,
  putApplied,
  putHardState,
  putIdentity,
  putLogStart,
  putRemoved,
  startOver,
  verifyRow,
} from './durable-records.ts';
import { blockKey, HARD_STATE_KEY, IDENTITY_KEY } from './keys.ts';
import { deleteBlocks, putEntries } from './log-blocks.ts';

const identity: NodeIdentity = { server: 'node1@0123456789abcdef', clusterId: '', boots: 1 };
const configuration: Configuration = {
  members: [
    { server: 'node1@a', role: 'voter', raftAddress: '127.0.0.1:7000', httpAddress: '127.0.0.1:8080' },
  ],
  removed: ['node9@b'],
};

function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + entrySizeBytes(entry), 0);
}

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

/** The blocks as they are written: entries 1 and 2, 3, 4 and 5, 6. */
const PUT_LOG = [LOG.slice(0, 2), LOG.slice(2, 3), LOG.slice(3, 5), LOG.slice(5)].flatMap(putEntries);

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
      ...PUT_LOG,
    ]);

  test('a new store has no durable state', () => {
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
      blockStarts: [],
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
    expect(loaded.blockStarts).toEqual([1, 3, 4, 6]);
  });

  test('a compacted log starts where it says', async () => {
    await writeLog();
    await write([putLogStart({ index: 3, term: 1 }), ...deleteBlocks([1, 3])]);
    expect(load()).toMatchObject({ logStart: { index: 3, term: 1 }, lastLog: { index: 6, term: 3 } });
    await write([
      putLogStart({ index: 6, term: 3 }),
      putApplied({ index: 6, term: 3, configuration, configurationIndex: 2, generation: 1 }),
      ...deleteBlocks([4, 6]),
    ]);
    expect(load()).toMatchObject({ lastLog: { index: 6, term: 3 }, logBytes: 0, blockStarts: [] });
  });

  test('a log that starts within a block does not count the entries before', async () => {
    await writeLog();
    const { logBytes } = load();
    await write([putLogStart({ index: 1, term: 1 })]);
    expect(load()).toMatchObject({ blockStarts: [1, 3, 4, 6], configurations: [{ index: 2 }] });
    await write([putLogStart({ index: 4, term: 2 }), ...deleteBlocks([1, 3])]);
    expect(load()).toMatchObject({
      blockStarts: [4, 6],
      configurations: [],
      lastLog: { index: 6 },
      logBytes: sizeOf(LOG.slice(4)),
    });
    expect(logBytes).toBe(sizeOf(LOG));
  });

  test('a write replaces the tail that it removes (§5.3)', async () => {
    await writeLog();
    await write([...deleteBlocks([6]), ...putEntries(LOG.slice(3, 4)), ...putEntries([command(5, 3)])]);
    expect(load()).toMatchObject({ lastLog: { index: 5, term: 3 }, blockStarts: [1, 3, 4, 5] });
  });

  test('a removed server starts over as a new one without any state', async () => {
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

  test('a flipped bit anywhere in an entry or record is damage, and the error names the place', async () => {
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
    const key = blockKey(6);
    await write([put(key, (store.get(key) ?? key).subarray(0, 8))]);
    expectDamage(/the block of entry 6 cannot be read/);
  });

  test('a block under another key is damage', async () => {
    await writeLog();
    await write([put(blockKey(4), store.get(blockKey(6)) ?? '')]);
    expectDamage(/the block of entry 4 cannot be read/);
    const longKey = Uint8Array.of(...blockKey(4), 0);
    await write([...putEntries(LOG.slice(3, 5)), put(longKey, seal(longKey, new Uint8Array(0)))]);
    expectDamage(/a key of the log has 8 bytes/);
  });

  test.each([
    {
      name: 'an entry under another index',
      payload: [3, 5, 2],
      what: /entry 5 stands in the place of entry 4/,
    },
    { name: 'a block without an entry', payload: [], what: /the block of entry 4 is empty/ },
    {
      name: 'an entry that ends too early',
      payload: [3, 4, 2, 1, 5, 2, 9],
      what: /the block of entry 4 cannot be read/,
    },
    { name: 'an entry of no kind', payload: [3, 4, 2, 9, 5, 2], what: /no kind of entry 9/ },
    {
      name: 'a gap within a block',
      payload: [3, 4, 2, 3, 6, 2],
      what: /entry 6 stands in the place of entry 5/,
    },
    { name: 'a term that decreases within a block', payload: [3, 4, 2, 3, 5, 1], what: /entry 5 has term 1/ },
  ])('$name is damage, whatever its checksum says', async ({ payload, what }) => {
    await writeLog();
    await write([put(blockKey(4), seal(blockKey(4), Uint8Array.from(payload)))]);
    expectDamage(what);
  });

  test('a block that is missing in the middle is damage', async () => {
    await writeLog();
    await write([remove(blockKey(3))]);
    expectDamage(/entry 3 is missing/);
  });

  test('an entry that is missing at the end of a block is damage', async () => {
    await writeLog();
    await write(putEntries(LOG.slice(3, 4)));
    expectDamage(/entry 5 is missing/);
  });

  test('a block that begins before the end of another is damage', async () => {
    await writeLog();
    await write(putEntries([command(5, 2)]));
    expectDamage(/the block of entry 5 begins before the end of the one that ends with 5/);
  });

  test('a block before the start of the log is damage', async () => {
    await writeLog();
    await write([putLogStart({ index: 3, term: 1 }), ...deleteBlocks([3])]);
    expectDamage(/entries 1 to 2 are compacted, and still there/);
  });

  test('a log without the entry after its start is damage', async () => {
    await writeLog();
    await write([putLogStart({ index: 4, term: 2 }), ...deleteBlocks([1, 3, 4])]);
    expectDamage(/entry 5 is missing/);
  });

  test('a block that has another term at the start of the log is damage', async () => {
    await writeLog();
    const applied = { index: 5, term: 2, configuration, configurationIndex: 2, generation: 1 };
    await write([putLogStart({ index: 4, term: 1 }), putApplied(applied), ...deleteBlocks([1, 3])]);
    expectDamage(/entry 4 has term 2 and was compacted with term 1/);
  });

  test('a log that ends before what was applied is damage', async () => {
    await writeLog();
    await write(deleteBlocks([4, 6]));
    expectDamage(/the log ends at 3 and the state has applied 4/);
  });

  test('a state that is behind the start of the log is damage', async () => {
    await writeLog();
    await write([putLogStart({ index: 5, term: 2 }), ...deleteBlocks([1, 3, 4])]);
    expectDamage(/compacted/);
  });

  test('terms that decrease, or differ from what was applied, are damage', async () => {
    await writeLog();
    await write(putEntries([command(6, 1)]));
    expectDamage(/entry 6 has term 1/);
    await write([...putEntries([command(6, 3)]), ...putEntries([command(4, 1), command(5, 2)])]);
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
    expect(Buffer.compare(IDENTITY_KEY, stateKey(0, ''))).toBe(-1);
  });
});
