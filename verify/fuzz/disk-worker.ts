// Judges damaged data files in its own process: LMDB maps the file, and a damaged page may end the process by
// a signal. It receives damages, and reports the outcome of each.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { seal } from '../../src/engines/raft/codec/sealed-record.ts';
import { loadDurableState, verifyRow } from '../../src/engines/raft/node/log/durable-records.ts';
import { stateKey } from '../../src/engines/raft/node/state/state-keys.ts';
import { verifyDataFile } from '../../src/engines/raft/storage/check/verify-data-file.ts';
import { openDatabase } from '../../src/engines/raft/storage/lmdb/data-file.ts';
import { LmdbStore } from '../../src/engines/raft/storage/lmdb/lmdb-store.ts';
import { rolledBack } from '../../src/engines/raft/storage/testing/rolled-back.ts';
import { CodedError } from '../../src/shared/coded-error.ts';
import { type DiskDamage, damagedFile } from './disk-damage.ts';

export interface WorkOrder {
  readonly directory: string;
  readonly damages: readonly DiskDamage[];
}

export type WorkResult =
  | { readonly kind: 'done'; readonly outcomes: readonly string[] }
  | { readonly kind: 'found'; readonly damage: DiskDamage; readonly message: string };

/** Names of files in the directory of an order. */
export const FILES = {
  now: 'now.mdb',
  before: 'before.mdb',
  between: 'between.mdb',
  work: 'work.mdb',
  progress: 'progress',
} as const;
const REPORTED = new Set(['store_damaged', 'log_damaged', 'record_damaged', 'store_version']);

async function judge(
  directory: string,
  damage: DiskDamage,
  files: { now: Uint8Array; before: Uint8Array; digest: string; digestRolledBack: string },
): Promise<string> {
  const work = path.join(directory, FILES.work);
  fs.writeFileSync(work, damagedFile(files.now, files.before, damage));
  try {
    const { isRolledBack } = verifyDataFile(work, verifyRow);
    const digest = await withStore(work, digestOf);
    if (digest !== (isRolledBack ? files.digestRolledBack : files.digest))
      throw new Error('the rows differ from the written ones, and no damage is reported');
    await writeAndReadAgain(work, digest);
    return isRolledBack ? 'reported: a commit was rolled back' : 'harmless';
  } catch (error) {
    if (error instanceof CodedError && REPORTED.has(error.code)) return `reported: ${error.code}`;
    throw error;
  }
}

/**
 * Writes to the file: a write uses free pages, and must neither fail on accepted damage nor change other
 * rows.
 */
async function writeAndReadAgain(work: string, digest: string): Promise<void> {
  const key = stateKey(0xffff_fff0, 'printer/written later');
  await withStore(work, async (store) => {
    const value = seal(key, new Uint8Array(6_000).fill(0x20));
    for (const kind of ['put', 'delete'] as const) {
      await new Promise<void>((resolve, reject) => {
        store.writeAccepted([kind === 'put' ? { kind, key, value } : { kind, key }], (error) =>
          error === undefined ? resolve() : reject(error),
        );
      });
    }
  });
  try {
    verifyDataFile(work, verifyRow);
  } catch (cause) {
    throw new Error('after a write the file is damaged', { cause });
  }
  if ((await withStore(work, digestOf)) !== digest) throw new Error('after a write the other rows differ');
}

async function withStore<T>(file: string, use: (store: LmdbStore) => T | Promise<T>): Promise<T> {
  const store = new LmdbStore(path.dirname(file), () => openDatabase(file), { release: () => undefined });
  try {
    return await use(store);
  } finally {
    await new Promise<void>((resolve) => store.close(resolve));
  }
}

/** Returns a digest of all that a node would read: the durable state, with its checks, and every row. */
function digestOf(store: LmdbStore): string {
  const hash = createHash('sha256').update(JSON.stringify(loadDurableState(store)));
  for (const { key, value } of store.range({ from: new Uint8Array([0]), to: new Uint8Array([0xff]) })) {
    hash.update(`${key.length} ${value.length}\n`).update(key).update(value);
  }
  return hash.digest('hex');
}

process.on('message', ({ directory, damages }: WorkOrder) => {
  void work(directory, damages).then((result) => process.send?.(result));
});

async function work(directory: string, damages: readonly DiskDamage[]): Promise<WorkResult> {
  const [now, before] = [FILES.now, FILES.before].map((name) =>
    fs.readFileSync(path.join(directory, name)),
  ) as [Buffer, Buffer];
  const work = path.join(directory, FILES.work);
  fs.writeFileSync(work, now);
  const digest = await withStore(work, digestOf);
  fs.writeFileSync(work, rolledBack(now));
  const digestRolledBack = await withStore(work, digestOf);
  const progress = fs.openSync(path.join(directory, FILES.progress), 'w');
  const outcomes: string[] = [];
  try {
    for (const [at, damage] of damages.entries()) {
      fs.writeSync(progress, String(at).padStart(10), 0);
      try {
        outcomes.push(await judge(directory, damage, { now, before, digest, digestRolledBack }));
      } catch (error) {
        const message =
          error instanceof Error
            ? `${error.stack ?? error.message} ${String(error.cause ?? '')}`
            : String(error);
        return { kind: 'found', damage, message };
      }
    }
    return { kind: 'done', outcomes };
  } finally {
    fs.closeSync(progress);
  }
}
