// The adoption of an image on a host that loses its power, and in a process that is killed: afterwards the
// store has the old rows or those of the image, and all acknowledged writes. It works as
// key-value-store-power-loss.test.ts does.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkSealed } from '../../src/engines/raft/codec/sealed-record.ts';
import { openLmdbStore } from '../../src/engines/raft/storage/open-store.ts';
import { Draws } from '../../verify/kit/draws.ts';
import { type Moment, momentsOf } from '../../verify/kit/power-loss.ts';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { readTrace, type TracedCall, trace } from '../../verify/kit/system-call-trace.ts';
import { ADOPTION, IMAGE_WRITES, STEPS, stepsIn } from './key-value-store-adopter.ts';
import { imageOf } from './key-value-store-images.ts';
import { lmdbHarness, TINY_JOURNAL } from './key-value-store-lmdb.ts';

const ADOPTER = path.join(PROJECT_ROOT, 'test/contracts/key-value-store-adopter.ts');
const KILLS = 6;

let parent: string;
let stage: string;
let image: string;
let calls: readonly TracedCall[];

const command = (directory: string): string[] => [
  process.execPath,
  '--import',
  'tsx',
  ADOPTER,
  directory,
  image,
];

beforeAll(async () => {
  parent = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-adoption-')));
  stage = path.join(parent, 'stage');
  image = path.join(parent, 'image');
  fs.mkdirSync(stage);
  fs.writeFileSync(image, await imageOf(() => lmdbHarness(TINY_JOURNAL), IMAGE_WRITES));
  const file = path.join(parent, 'trace');
  const options = { file, directory: PROJECT_ROOT };
  expect(await trace(command(path.join(stage, 'node1')), options), 'strace must be allowed to trace').toBe(0);
  calls = readTrace(file);
});
afterAll(() => fs.rmSync(parent, { recursive: true }));

/** Returns how many steps the next start finds. Throws when the rows are not those between two steps. */
async function stepsFound(directory: string): Promise<number> {
  const store = await openLmdbStore(directory, checkSealed);
  try {
    expect(fs.readdirSync(directory).filter((name) => name.includes('staged'))).toEqual([]);
    return stepsIn(store);
  } finally {
    await new Promise<void>((resolve) => store.close(resolve));
  }
}

/** Returns the problem that the next start finds, or undefined. */
async function problemAfter({ disk, acknowledged, kept }: Moment, draws: Draws): Promise<string | undefined> {
  const directory = path.join(parent, 'left');
  disk.leave(directory, () => draws.chance(kept));
  try {
    const steps = await stepsFound(path.join(directory, 'node1'));
    return steps >= acknowledged ? undefined : `step ${acknowledged - 1} is lost: ${steps} are there`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

test('a loss of power leaves the old rows or those of the image, and keeps all acknowledged writes', async () => {
  const draws = new Draws(1);
  let moments = 0;
  for (const moment of momentsOf(stage, calls)) {
    // key-value-store-power-loss.test.ts tests the writes before the image.
    if (moment.acknowledged < ADOPTION) continue;
    const problem = await problemAfter(moment, draws);
    expect(problem, `moment ${moments}, ${moment.acknowledged} steps acknowledged`).toBeUndefined();
    moments += 1;
  }
  expect(moments).toBeGreaterThan(30);
});

test.each([
  ['of files', (name: string) => path.extname(name) === ''],
  ['of directories', (name: string) => path.extname(name) !== '' || name.includes('journal')],
])('the check can fail: without flushes %s, writes are lost', async (_, isFlushed) => {
  const draws = new Draws(2);
  const flushless = calls.filter(
    ({ name, paths }) => !/^f(?:data)?sync$/.test(name) || isFlushed(paths[0] ?? ''),
  );
  for (const moment of momentsOf(stage, flushless)) {
    if (moment.acknowledged <= ADOPTION) continue;
    if ((await problemAfter({ ...moment, kept: 0 }, draws)) !== undefined) return;
  }
  expect.unreachable('no loss was noticed');
});

test('a process that is killed while it adopts an image leaves the old rows or those of the image', async () => {
  const directory = path.join(parent, 'killed', 'node1');
  const draws = new Draws(3);
  const found: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const [program = '', ...args] = command(directory);
    const child = spawn(program, args, { cwd: PROJECT_ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    let last = -1;
    for await (const line of createInterface({ input: child.stdout })) {
      last = Number(line);
      // The kill comes at a random moment of the next step, which is the adoption.
      if (last === ADOPTION - 1) setTimeout(() => child.kill('SIGKILL'), draws.between(0, 60));
    }
    const steps = await stepsFound(directory);
    expect(steps).toBeGreaterThan(last);
    found.push(steps);
    fs.rmSync(directory, { recursive: true });
  }
  expect(Math.min(...found)).toBeGreaterThanOrEqual(ADOPTION);
  expect(Math.max(...found)).toBeLessThanOrEqual(STEPS);
});
