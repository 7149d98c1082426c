import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CodedError } from '../../../../shared/coded-error.ts';
import { checkSealed, seal } from '../../codec/sealed-record.ts';
import type { WriteOperation } from '../../node/ports/key-value-store.ts';
import { DATA_FILE_NAME, STAGED_FILE_NAME } from '../lmdb/data-file.ts';
import { openTree } from '../testing/tree.ts';
import { StagedImage } from './staged-image.ts';

const root = mkdtempSync(join(tmpdir(), 'raft3d-staged-'));
afterAll(() => rmSync(root, { recursive: true }));

const CHUNK_BYTES = 768 * 1024;

function rows(count: number): WriteOperation[] {
  return Array.from({ length: count }, (_, at) => {
    const key = Buffer.from(`row-${100_000 + at}`);
    return { kind: 'put', key, value: seal(key, Buffer.alloc(300, at)) };
  });
}

/** Returns the bytes of a data file with some thousand rows. */
async function dataFile(name: string): Promise<Uint8Array> {
  mkdirSync(join(root, name));
  const tree = openTree(join(root, name));
  await new Promise<void>((resolve) => tree.writeAccepted(rows(5_000), () => resolve()));
  await new Promise<void>((resolve) => tree.close(resolve));
  return readFileSync(join(root, name, DATA_FILE_NAME));
}

async function staged(name: string, bytes: Uint8Array): Promise<StagedImage> {
  const directory = join(root, name);
  mkdirSync(directory);
  const image = new StagedImage({
    directory,
    sizeBytes: bytes.length,
    checkRow: checkSealed,
    live: {
      freeSpace: { hasSpaceBeside: () => true },
      explainFailure: (cause) => new CodedError('storage_failed', String(cause)),
    },
    after: Promise.resolve(),
  });
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const error = await new Promise((resolve) => image.append(bytes.subarray(at, at + CHUNK_BYTES), resolve));
    expect(error).toBeUndefined();
  }
  return image;
}

async function expectWhole(image: StagedImage, name: string, bytes: Uint8Array): Promise<void> {
  expect(readFileSync(join(root, name, STAGED_FILE_NAME)).equals(bytes)).toBe(true);
  const error = await new Promise((resolve) => image.finish(() => undefined, resolve));
  expect(error).toBeUndefined();
  const key = Buffer.from('row-104999');
  expect(image.get(key)).toEqual(new Uint8Array(seal(key, Buffer.alloc(300, 4_999))));
  image.discard();
  await image.ended;
}

test('an image is made of its chunks', async () => {
  const bytes = await dataFile('source');
  const image = await staged('target', bytes);
  await expectWhole(image, 'target', bytes);
});
