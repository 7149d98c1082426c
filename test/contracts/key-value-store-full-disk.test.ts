// The node's store on a full file system: a small tmpfs.

import { describe, expect } from 'vitest';
import { openLmdbStore } from '../../src/engines/raft/storage/open-store.ts';
import { CodedError } from '../../src/shared/coded-error.ts';
import { testAsRoot } from '../../verify/kit/needs-root.ts';
import { SmallDisk } from '../../verify/kit/small-disk.ts';
import { useStage } from '../../verify/kit/stage.ts';
import { waitFor } from '../../verify/kit/wait-for.ts';
import { closeStore, keysIn, put, remove, textAt, writeTo } from './key-value-store.ts';
import { adoptedBy, DROPPED, finished, imageOf, RANGE, rows } from './key-value-store-images.ts';
import { lmdbHarness } from './key-value-store-lmdb.ts';

const testOnSmallDisk = testAsRoot('mount a small disk');
const harness = { run: () => undefined, open: () => Promise.reject(), dispose: () => Promise.resolve() };

function batch(number: number, { rows = 64, bytes = 200 } = {}) {
  const key = (row: number): string => `${String(number).padStart(6, '0')}/${String(row).padStart(3, '0')}`;
  return Array.from({ length: rows }, (_, row) => put(key(row), new Uint8Array(bytes).fill(number)));
}

function codeOf(error: Error | undefined): string | undefined {
  return error instanceof CodedError ? error.code : error?.message;
}

describe('JournaledStore on a full disk', () => {
  const stage = useStage();

  testOnSmallDisk(
    'refuses a write with disk_full as a whole, and takes the same write when there is space',
    async () => {
      const disk = SmallDisk.on(stage(), { megabytes: 16 });
      const store = await openLmdbStore(`${disk.directory}/node1`);
      await writeTo(store, harness, batch(0));
      disk.fill();
      let written = 1;
      for (; ; written++) {
        const error = await writeTo(store, harness, batch(written));
        if (error === undefined) continue;
        expect(codeOf(error)).toBe('disk_full');
        break;
      }
      expect(keysIn(store, { from: '0', to: '9' })).toHaveLength(written * 64);
      expect(codeOf(await writeTo(store, harness, batch(written)))).toBe('disk_full');
      expect(store.space().freeBytes).toBeLessThan(store.space().reserveBytes);
      disk.makeRoom();
      expect(await writeTo(store, harness, batch(written))).toBeUndefined();
      expect(keysIn(store, { from: '0', to: '9' })).toHaveLength((written + 1) * 64);
      await closeStore(store, harness);
    },
  );

  testOnSmallDisk(
    'fills a disk up to the reserve, writes votes and deletes within it, and reuses freed space',
    async () => {
      const disk = SmallDisk.on(stage(), { megabytes: 8 });
      const store = await openLmdbStore(`${disk.directory}/node1`);
      let written = 0;
      while ((await writeTo(store, harness, batch(written))) === undefined) written++;
      for (let term = 1; term <= 200; term++) {
        expect(await writeTo(store, harness, [put('m/hard-state', `term ${term}`)])).toBeUndefined();
      }
      const half = Math.floor(written / 2);
      for (let number = 0; number < half; number++) {
        const deletes = batch(number).map(({ key }) => remove(key));
        expect(await writeTo(store, harness, deletes)).toBeUndefined();
      }
      for (let number = written; number < written + half / 2; number++) {
        expect(await writeTo(store, harness, batch(number))).toBeUndefined();
      }
      await closeStore(store, harness);
    },
  );

  testOnSmallDisk('reports disk_full when the journal has no space for another segment', async () => {
    const disk = SmallDisk.on(stage(), { megabytes: 16 });
    const store = await openLmdbStore(`${disk.directory}/node1`);
    await writeTo(store, harness, batch(0));
    // The store has just measured free space, so only the failed write tells that there is none.
    store.space();
    disk.fill();
    const large = batch(1, { rows: 50, bytes: 20_000 });
    expect(codeOf(await writeTo(store, harness, large))).toBe('disk_full');
    expect(keysIn(store, { from: '0', to: '9' })).toHaveLength(64);
    disk.makeRoom();
    expect(await writeTo(store, harness, large)).toBeUndefined();
    expect(keysIn(store, { from: '0', to: '9' })).toHaveLength(64 + 50);
    await closeStore(store, harness);
  });

  testOnSmallDisk(
    'refuses an image with disk_full, stays as it was, and adopts the image when there is space',
    async () => {
      const image = await imageOf(lmdbHarness, rows('s', 20_000, 'theirs'));
      const disk = SmallDisk.on(stage(), { megabytes: 16 });
      const store = await openLmdbStore(`${disk.directory}/node1`);
      await writeTo(store, harness, [put('m', '1'), ...rows('n', 20_000, 'ours')]);
      disk.fill();
      for (const bytes of [image, image.subarray(0, 100_000)]) {
        const staging = store.stageImage(image.length);
        expect(codeOf(await finished(staging, bytes, harness))).toBe('disk_full');
        staging.discard();
      }
      expect(textAt(store, 'm')).toBe('1');
      disk.makeRoom();
      const staging = store.stageImage(image.length);
      expect(await finished(staging, image, harness)).toBeUndefined();
      const adoption = { staging, range: RANGE, dropped: DROPPED, operations: [] };
      disk.fill();
      expect(codeOf(await adoptedBy(store, harness, adoption))).toBe('disk_full');
      expect([textAt(store, 'm'), textAt(store, 's100000')]).toEqual(['1', undefined]);
      disk.makeRoom();
      // The checkpoint that found the disk full is tried again first.
      const refusals = new Set<string | undefined>();
      const isAdopted = async (): Promise<boolean> => {
        const error = await adoptedBy(store, harness, adoption);
        if (error !== undefined) refusals.add(codeOf(error));
        return error === undefined;
      };
      await waitFor('the image is adopted', isAdopted, { intervalMs: 20 });
      expect([...refusals].filter((code) => code !== 'disk_full')).toEqual([]);
      expect(['n', 's'].map((prefix) => keysIn(store, { from: prefix, to: `${prefix}z` }).length)).toEqual([
        20_000, 20_000,
      ]);
      await closeStore(store, harness);
    },
  );

  testOnSmallDisk('opens and reads on a full disk', async () => {
    const disk = SmallDisk.on(stage(), { megabytes: 4 });
    const directory = `${disk.directory}/node1`;
    const store = await openLmdbStore(directory);
    await writeTo(store, harness, [put('a', '1')]);
    await closeStore(store, harness);
    disk.fill();
    const again = await openLmdbStore(directory);
    expect(textAt(again, 'a')).toBe('1');
    await closeStore(again, harness);
  });

  testOnSmallDisk('is not made on a full disk: opening fails with disk_full', async () => {
    const disk = SmallDisk.on(stage(), { megabytes: 1 });
    disk.fill();
    const opening = openLmdbStore(`${disk.directory}/node1`);
    await expect(opening).rejects.toMatchObject({ code: 'disk_full' });
  });
});
