// LMDB on a host that loses its power (traps 28 and 31). A real writer is recorded, system call by system call. After
// each call the directory is made as a loss of power could have left it: what was not flushed is lost, kept, or kept in
// part, and so are names of files and directories. Whatever came of it must open, hold all that was acknowledged until
// then, and every batch whole or not.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Draws } from '../../src/sim/draws.ts';
import { openLmdbStore } from '../../src/storage/open-store.ts';
import { PROJECT_ROOT } from '../support/project-root.ts';
import { readTrace, type TracedCall, trace } from '../support/system-call-trace.ts';
import { VolatileDisk } from '../support/volatile-disk.ts';
import { checkBatches } from './key-value-store-batches.ts';

const WRITER = path.join(PROJECT_ROOT, 'test/contracts/key-value-store-writer.ts');
const BATCHES = 15;
/** How much of what was not flushed is there, one after the other. */
const KEPT = [0, 0.5, 1];
/** Two levels that are not there yet. */
const DATA = path.join('data', 'node1');

let parent: string;
let stage: string;
let calls: readonly TracedCall[];

beforeAll(async () => {
  parent = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-power-')));
  stage = path.join(parent, 'stage');
  fs.mkdirSync(stage);
  const file = path.join(parent, 'trace');
  const command = [process.execPath, '--import', 'tsx', WRITER, path.join(stage, DATA), `${BATCHES - 1}`];
  expect(await trace(command, { file, directory: PROJECT_ROOT }), 'strace must be allowed to trace').toBe(0);
  calls = readTrace(file);
});
afterAll(() => fs.rmSync(parent, { recursive: true }));

interface Moment {
  readonly disk: VolatileDisk;
  /** Batches of which the writer had been told that they are durable. */
  readonly acknowledged: number;
  /** How much of what was not flushed is to be there, 0 to 1. */
  readonly kept: number;
}

/** When the power may fail: after each call, and before the writer hears that a batch is done. */
function* momentsOf(recorded: readonly TracedCall[]): Generator<Moment> {
  const disk = new VolatileDisk(stage);
  let acknowledged = 0;
  for (const [at, call] of recorded.entries()) {
    const batch = acknowledgedBy(call);
    if (batch !== undefined) {
      acknowledged = batch + 1;
      yield { disk, acknowledged, kept: 0 };
    }
    const isOfStore = disk.take(call);
    if (isOfStore && call.phase === 'end') yield { disk, acknowledged, kept: KEPT[at % KEPT.length] ?? 0 };
  }
}

/** The writer says a batch's number when it is done: from the begin of that call on it must be durable. */
function acknowledgedBy({ phase, name, descriptor, bytes }: TracedCall): number | undefined {
  const isLine =
    phase === 'begin' && name === 'write' && descriptor === 1 && /^\d+\n$/.test(bytes.toString());
  return isLine ? Number(bytes.toString()) : undefined;
}

/** What is wrong with what the next start finds; undefined when nothing is. */
async function problemAfter({ disk, acknowledged, kept }: Moment, draws: Draws): Promise<string | undefined> {
  const directory = path.join(parent, 'left');
  disk.leave(directory, () => draws.chance(kept));
  try {
    const store = await openLmdbStore(path.join(directory, DATA));
    try {
      const next = checkBatches(store);
      return next >= acknowledged ? undefined : `batch ${acknowledged - 1} is lost: the next one is ${next}`;
    } finally {
      await new Promise<void>((resolve) => store.close(resolve));
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

test('a loss of power takes nothing that was acknowledged, not even with its directory, and leaves batches whole', async () => {
  const draws = new Draws(1);
  let moments = 0;
  for (const moment of momentsOf(calls)) {
    const problem = await problemAfter(moment, draws);
    expect(problem, `moment ${moments}, ${moment.acknowledged} batches acknowledged`).toBeUndefined();
    moments += 1;
  }
  // Each batch has its pages, its flush, its meta page and its acknowledgement; making the store is dozens of calls.
  expect(moments).toBeGreaterThan(4 * BATCHES + 24);
});

test.each([
  ['of files', (name: string) => path.extname(name) === ''],
  ['of directories', (name: string) => path.extname(name) !== ''],
])('it would, if flushes %s did nothing: the check can fail', async (_, isFlushed) => {
  const draws = new Draws(2);
  const flushless = calls.filter(
    ({ name, paths }) => !/^f(?:data)?sync$/.test(name) || isFlushed(paths[0] ?? ''),
  );
  for (const moment of momentsOf(flushless)) {
    if ((await problemAfter({ ...moment, kept: 0 }, draws)) !== undefined) return;
  }
  expect.unreachable('no loss was noticed');
});
