// The node's store on a host that loses its power (traps 28 and 31). The system calls of a real writer are
// recorded. After each call the directory is rebuilt as a loss of power could have left it: bytes and names
// that were not flushed are lost, kept, or kept in part. The result must open, and hold all acknowledged
// batches, each whole or not at all.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLmdbStore } from '../../src/engines/raft/storage/open-store.ts';
import { Draws } from '../../verify/kit/draws.ts';
import { type Moment, momentsOf } from '../../verify/kit/power-loss.ts';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { readTrace, type TracedCall, trace } from '../../verify/kit/system-call-trace.ts';
import { checkBatches } from './key-value-store-batches.ts';

const WRITER = path.join(PROJECT_ROOT, 'test/contracts/key-value-store-writer.ts');
const BATCHES = 15;
/** Two levels of directories that do not exist yet. */
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

/** Returns the problem that the next start finds, or undefined. */
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

test('a loss of power keeps all acknowledged batches and their directory, and no batch in part', async () => {
  const draws = new Draws(1);
  let moments = 0;
  for (const moment of momentsOf(stage, calls)) {
    const problem = await problemAfter(moment, draws);
    expect(problem, `moment ${moments}, ${moment.acknowledged} batches acknowledged`).toBeUndefined();
    moments += 1;
  }
  // Each batch takes at least four calls, and making the store dozens.
  expect(moments).toBeGreaterThan(4 * BATCHES + 24);
});

test.each([
  ['of files', (name: string) => path.extname(name) === ''],
  ['of directories', (name: string) => path.extname(name) !== ''],
])('the check can fail: without flushes %s, batches are lost', async (_, isFlushed) => {
  const draws = new Draws(2);
  const flushless = calls.filter(
    ({ name, paths }) => !/^f(?:data)?sync$/.test(name) || isFlushed(paths[0] ?? ''),
  );
  for (const moment of momentsOf(stage, flushless)) {
    if ((await problemAfter({ ...moment, kept: 0 }, draws)) !== undefined) return;
  }
  expect.unreachable('no loss was noticed');
});
