// LMDB on a host that loses its power (traps 28 and 31). A real writer is recorded, system call by system call. After
// each call the directory is made as a loss of power could have left it: what was not flushed is lost, kept, or kept in
// part, and so are names of files and directories. Whatever came of it must open, hold all that was acknowledged until
// then, and every batch whole or not.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLmdbStore } from '../../src/engines/raft/storage/open-store.ts';
import { type Moment, momentsOf } from '../../verify/kit/power-loss.ts';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { readTrace, type TracedCall, trace } from '../../verify/kit/system-call-trace.ts';
import { Draws } from '../../verify/sim/draws.ts';
import { checkBatches } from './key-value-store-batches.ts';

const WRITER = path.join(PROJECT_ROOT, 'test/contracts/key-value-store-writer.ts');
const BATCHES = 15;
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
  for (const moment of momentsOf(stage, calls)) {
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
  for (const moment of momentsOf(stage, flushless)) {
    if ((await problemAfter({ ...moment, kept: 0 }, draws)) !== undefined) return;
  }
  expect.unreachable('no loss was noticed');
});
