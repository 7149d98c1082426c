// The contract of every KeyValueStore about images: opened during writes, staged elsewhere, and adopted as a
// whole.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { seal } from '../../src/engines/raft/codec/sealed-record.ts';
import type {
  ImageAdoption,
  ImageStaging,
  KeyRange,
  KeyValueReader,
  KeyValueStore,
  StoreImage,
  WriteOperation,
} from '../../src/engines/raft/node/ports/key-value-store.ts';
import { present } from '../../src/shared/assert.ts';
import { waitFor } from '../../verify/kit/wait-for.ts';
import { closeStore, type KeyValueStoreHarness, keysIn, writeTo } from './key-value-store.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The rows that come with images. */
export const RANGE: KeyRange = { from: encoder.encode('s'), to: encoder.encode('t') };
/** The rows that an adoption deletes. */
export const DROPPED: KeyRange = { from: encoder.encode('l'), to: encoder.encode('m') };
const EVERYTHING = { from: 'a', to: 'zzz' };
const CHUNK_BYTES = 50_000;

/** Puts a sealed row, as all rows of a node are: images are checked. */
export function put(key: string, text: string): WriteOperation {
  const bytes = encoder.encode(key);
  return { kind: 'put', key: bytes, value: seal(bytes, encoder.encode(text)) };
}

function remove(key: string): WriteOperation {
  return { kind: 'delete', key: encoder.encode(key) };
}

export function textAt(reader: Pick<KeyValueReader, 'get'>, key: string): string | undefined {
  const value = reader.get(encoder.encode(key));
  return value === undefined ? undefined : decoder.decode(value.subarray(0, -4));
}

/** Makes rows, enough for more than one page of an image. */
export function rows(prefix: string, count: number, text: string): WriteOperation[] {
  return Array.from({ length: count }, (_, row) => put(`${prefix}${100_000 + row}`, `${text}${row}`));
}

function opened(store: KeyValueStore, harness: KeyValueStoreHarness): Promise<StoreImage> {
  return new Promise((resolve, reject) => {
    store.openImage((error, image) => (image === undefined ? reject(error as Error) : resolve(image)));
    harness.run();
  });
}

async function bytesOf(image: StoreImage, harness: KeyValueStoreHarness): Promise<Uint8Array> {
  const bytes = new Uint8Array(image.sizeBytes);
  for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES, bytes.length - offset);
    const chunk = await new Promise<Uint8Array>((resolve, reject) => {
      image.read(offset, length, (error, read) =>
        error === undefined ? resolve(read.slice()) : reject(error),
      );
      harness.run();
    });
    bytes.set(chunk, offset);
  }
  return bytes;
}

/** Appends all bytes and finishes the image; resolves with the error. */
export async function finished(
  staging: ImageStaging,
  bytes: Uint8Array,
  harness: KeyValueStoreHarness,
): Promise<Error | undefined> {
  for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) {
    const error = await new Promise<Error | undefined>((resolve) => {
      staging.append(bytes.subarray(offset, offset + CHUNK_BYTES), resolve);
      harness.run();
    });
    if (error !== undefined) return error;
  }
  return new Promise((resolve) => {
    staging.finish(() => undefined, resolve);
    harness.run();
  });
}

export function adoptedBy(
  store: KeyValueStore,
  harness: KeyValueStoreHarness,
  adoption: ImageAdoption,
): Promise<Error | undefined> {
  return new Promise((resolve) => {
    store.adopt(adoption, resolve);
    harness.run();
  });
}

/** Returns the image of another store, to which `writes` were written. */
export async function imageOf(
  makeHarness: () => KeyValueStoreHarness,
  ...writes: readonly (readonly WriteOperation[])[]
): Promise<Uint8Array> {
  const harness = makeHarness();
  const store = await harness.open();
  for (const operations of writes) await writeTo(store, harness, operations);
  const image = await opened(store, harness);
  const bytes = await bytesOf(image, harness);
  image.close();
  await closeStore(store, harness);
  await harness.dispose();
  return bytes;
}

export function imagesContract(name: string, makeHarness: () => KeyValueStoreHarness): void {
  describe(`${name} keeps the contract of images`, () => {
    let harness: KeyValueStoreHarness;
    let store: KeyValueStore;
    const write = (operations: readonly WriteOperation[]): Promise<Error | undefined> =>
      writeTo(store, harness, operations);
    const staged = async (bytes: Uint8Array): Promise<ImageStaging> => {
      const staging = store.stageImage(bytes.length);
      expect(await finished(staging, bytes, harness)).toBeUndefined();
      return staging;
    };
    const reopen = async (): Promise<void> => {
      await closeStore(store, harness);
      store = await harness.open();
    };

    beforeEach(async () => {
      harness = makeHarness();
      store = await harness.open();
    });
    afterEach(async () => {
      await closeStore(store, harness);
      await harness.dispose();
    });

    test('an image has every write that was done before it was asked for, and none made after it was opened', async () => {
      await write([...rows('s', 2_000, 'old'), put('m', '1')]);
      await write([put('m', '2'), remove('s100007')]);
      const image = await opened(store, harness);
      expect(textAt(image, 'm')).toBe('2');
      const first = bytesOf(image, harness);
      for (let round = 0; round < 20; round++) {
        await write([...rows('s', 300, `new${round}`), put(`m${round}`, '3'), remove('s100009')]);
      }
      const bytes = await first;
      const again = await bytesOf(image, harness);
      expect(textAt(image, 'm')).toBe('2');
      image.close();
      for (const taken of [bytes, again]) {
        const staging = await staged(taken);
        expect(
          ['m', 's100003', 's100007', 's100009', 's101999', 'm0'].map((key) => textAt(staging, key)),
        ).toEqual(['2', 'old3', undefined, 'old9', 'old1999', undefined]);
        staging.discard();
      }
    });

    test('an image that is opened during writes is of one moment', async () => {
      let round = 0;
      let last = 0;
      let isWriting = false;
      const writeOn = (): void => {
        isWriting = round < last;
        if (!isWriting) return;
        round += 1;
        store.write([...rows('s', 200, `${round}-`), put('m', `${round}`)], writeOn);
      };
      await write([...rows('s', 200, '0-'), put('m', '0')]);
      for (let taken = 0; taken < 8; taken++) {
        last += 20;
        if (!isWriting) writeOn();
        const before = round - 1;
        const image = await opened(store, harness);
        const number = Number(textAt(image, 'm'));
        expect(number).toBeGreaterThanOrEqual(before);
        const staging = await staged(await bytesOf(image, harness));
        image.close();
        expect(textAt(staging, 'm')).toBe(`${number}`);
        for (let row = 0; row < 200; row++) {
          expect(textAt(staging, `s${100_000 + row}`)).toBe(`${number}-${row}`);
        }
        staging.discard();
      }
      last = 0;
    });

    test('an adoption replaces the rows of the range by those of the image, and keeps the others', async () => {
      const image = await imageOf(makeHarness, [
        ...rows('s', 3_000, 'theirs'),
        ...rows('l', 1_200, 'theirs'),
        put('a', 'theirs'),
        put('z', 'theirs'),
      ]);
      await write([...rows('s', 100, 'ours'), put('s5', 'ours'), put('a', 'ours'), ...rows('l', 3, 'ours')]);
      await write([put('m', 'vote'), put('z1', 'ours')]);
      const staging = await staged(image);
      await write([put('m', 'later vote'), put('s6', 'ours')]);
      const before = keysIn(store, EVERYTHING);
      expect(before).toHaveLength(100 + 2 + 1 + 3 + 2);
      const operations = [put('n', 'new'), remove('z1'), put('l100009', 'new')];
      expect(
        await adoptedBy(store, harness, { staging, range: RANGE, dropped: DROPPED, operations }),
      ).toBeUndefined();
      const check = (): void => {
        const keys = keysIn(store, EVERYTHING);
        expect(keys.filter((key) => !key.startsWith('s'))).toEqual(['a', 'l100009', 'm', 'n']);
        expect(keys.filter((key) => key.startsWith('s'))).toHaveLength(3_000);
        expect(['a', 'm', 'n', 's100000', 's102999', 'l100009'].map((key) => textAt(store, key))).toEqual([
          'ours',
          'later vote',
          'new',
          'theirs0',
          'theirs2999',
          'new',
        ]);
      };
      check();
      await reopen();
      check();
      // Writes go on after the adoption.
      expect(await write([put('s100000', 'changed'), put('m', 'again')])).toBeUndefined();
      await reopen();
      expect(['s100000', 's100001', 'm'].map((key) => textAt(store, key))).toEqual([
        'changed',
        'theirs1',
        'again',
      ]);
    });

    test('an adoption is ordered among the writes, and reads see all of it or nothing', async () => {
      const image = await imageOf(makeHarness, rows('s', 1_000, 'theirs'));
      await write([...rows('s', 500, 'ours'), put('m', '1')]);
      const staging = await staged(image);
      const order: string[] = [];
      let isDone = false;
      const seen = new Set<string>();
      const look = (): void => {
        if (isDone) return;
        const states = keysIn(store, { from: 's', to: 't' }).length;
        seen.add(`${states} ${textAt(store, 's100000')} ${textAt(store, 's100499')}`);
        setImmediate(look);
      };
      look();
      const all = new Promise<void>((resolve) => {
        const note = (name: string) => (error: Error | undefined) => {
          order.push(error === undefined ? name : error.message);
          if (order.length === 3) resolve();
        };
        store.write([put('m', '2'), put('s100000', 'written before')], note('before'));
        store.adopt(
          { staging, range: RANGE, dropped: DROPPED, operations: [put('n', '1')] },
          note('adopted'),
        );
        store.write([put('m', '3'), put('s100001', 'written behind')], note('behind'));
      });
      harness.run();
      await all;
      look();
      isDone = true;
      expect(order).toEqual(['before', 'adopted', 'behind']);
      expect([...seen].toSorted().at(-1)).toMatch(/written before|ours0/);
      for (const one of seen) {
        expect(one).toMatch(/^500 (?:ours0|written before) ours499$|^1000 theirs0 theirs499$/);
      }
      const found = (): (string | undefined)[] =>
        ['m', 'n', 's100000', 's100001'].map((key) => textAt(store, key));
      expect(found()).toEqual(['3', '1', 'theirs0', 'written behind']);
      await reopen();
      expect(found()).toEqual(['3', '1', 'theirs0', 'written behind']);
    });

    test('images are adopted one after the other, each made from the one before', async () => {
      let image = await imageOf(makeHarness, rows('s', 300, 'first'));
      for (let round = 0; round < 4; round++) {
        await write([put('m', `${round}`), put('s1', 'gone')]);
        const staging = await staged(image);
        const operations = [put('n', `${round}`)];
        expect(
          await adoptedBy(store, harness, { staging, range: RANGE, dropped: DROPPED, operations }),
        ).toBeUndefined();
        expect([textAt(store, 'm'), textAt(store, 'n'), textAt(store, 's1')]).toEqual([
          `${round}`,
          `${round}`,
          undefined,
        ]);
        await write(rows('s', 300, `${round} `));
        const own = await opened(store, harness);
        image = await bytesOf(own, harness);
        own.close();
      }
      expect(textAt(store, 's100299')).toBe('3 299');
    });

    test('a damaged or incomplete image is refused, and the next one is accepted', async () => {
      const image = await imageOf(makeHarness, rows('s', 1_000, 'theirs'));
      await write([put('m', '1')]);
      // A byte of a row in the middle.
      const at = Buffer.from(image).indexOf('theirs500');
      const damaged = image.map((byte, position) => (position === at ? byte ^ 1 : byte));
      for (const bytes of [damaged, image.subarray(0, image.length - 5_000), new Uint8Array(10_000)]) {
        const staging = store.stageImage(bytes.length);
        expect(await finished(staging, bytes, harness)).toMatchObject({ code: 'image_damaged' });
        staging.discard();
      }
      const short = store.stageImage(image.length + 1);
      expect(await finished(short, image, harness)).toMatchObject({ code: 'image_damaged' });
      short.discard();
      const staging = await staged(image);
      expect(
        await adoptedBy(store, harness, { staging, range: RANGE, dropped: DROPPED, operations: [] }),
      ).toBeUndefined();
      expect([textAt(store, 'm'), textAt(store, 's100500')]).toEqual(['1', 'theirs500']);
    });

    test('a staged image is gone after closing and opening, finished or not', async () => {
      const image = await imageOf(makeHarness, rows('s', 1_000, 'theirs'));
      await write([put('m', '1'), put('s1', 'ours')]);
      for (const isFinished of [false, true]) {
        const staging = isFinished ? await staged(image) : store.stageImage(image.length);
        if (!isFinished) {
          staging.append(image.slice(0, 9_000), () => undefined);
          harness.run();
        }
        await reopen();
        expect(keysIn(store, EVERYTHING)).toEqual(['m', 's1']);
      }
      const staging = await staged(image);
      expect(
        await adoptedBy(store, harness, { staging, range: RANGE, dropped: DROPPED, operations: [] }),
      ).toBeUndefined();
      expect(keysIn(store, EVERYTHING)).toHaveLength(1_001);
    });

    test('a discarded image calls back no more', async () => {
      const image = await imageOf(makeHarness, rows('s', 1_000, 'theirs'));
      for (let round = 0; round < 4; round++) {
        const staging = store.stageImage(image.length);
        const fail = (): void => expect.fail('it was discarded');
        staging.append(image.slice(), fail);
        if (round % 2 === 1) staging.finish(fail, fail);
        staging.discard();
      }
      harness.run();
      const staging = await staged(image);
      expect(textAt(staging, 's100000')).toBe('theirs0');
      staging.discard();
    });

    test('a store that is closed while an image is being opened opens it first', async () => {
      await write(rows('s', 100, 'ours'));
      const images: (StoreImage | undefined)[] = [];
      const closed = new Promise<void>((resolve) => {
        store.write([put('m', '1')], () => store.close(resolve));
        store.openImage((_, image) => images.push(image));
      });
      harness.run();
      await closed;
      expect(images).toHaveLength(1);
      present(images[0], 'the image was opened').close();
      store = await harness.open();
      expect(textAt(store, 'm')).toBe('1');
    });

    test('pieces of an image may be read at the same time', async () => {
      await write(rows('s', 1_000, 'ours'));
      const image = await opened(store, harness);
      const whole = await bytesOf(image, harness);
      const starts = [0, 1_000, 2_000];
      const pieces: Uint8Array[] = [];
      for (const start of starts) image.read(start, 500, (_, bytes) => pieces.push(bytes.slice()));
      harness.run();
      await waitFor('all pieces are read', () => pieces.length === starts.length, { intervalMs: 1 });
      for (const start of starts) expect(pieces).toContainEqual(whole.slice(start, start + 500));
      image.close();
    });

    test('an image may be closed during a read, and the store with it', async () => {
      await write(rows('s', 1_000, 'ours'));
      const image = await opened(store, harness);
      image.read(0, 100, () => undefined);
      image.close();
      image.close();
      const left = await opened(store, harness);
      left.read(0, 100, () => undefined);
      left.close();
      await reopen();
      expect(textAt(store, 's100000')).toBe('ours0');
    });
  });
}
