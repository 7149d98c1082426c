// LMDB on a disk that loses power (trap 31). A real writer is recorded, system call by system call. At each moment of
// the recording the file is made as a loss of power could have left it: sectors that were not flushed are there or not,
// in any order. Whatever came of it must open, hold all that was acknowledged until then, and every batch whole or not.

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Draws } from '../../src/sim/draws.ts';
import { DATA_FILE_NAME, NEW_DATA_FILE_NAME, openLmdbStore } from '../../src/storage/open-store.ts';
import { type DiskEvent, readRecording, spawnRecorded } from '../support/disk-recording.ts';
import { RecordedFile } from '../support/lost-power.ts';
import { PROJECT_ROOT } from '../support/project-root.ts';
import { checkBatches } from './key-value-store-batches.ts';

const WRITER = join(PROJECT_ROOT, 'test/contracts/key-value-store-writer.ts');
const BATCHES = 20;
/** Of the many writes of one transaction's pages, how many are looked at. */
const PAGE_WRITES_SEEN = 0.1;
/** How much of what was not flushed is there: nothing, some of it, all. */
const KEPT = [0, 0.5, 1];

let directory: string;
let events: DiskEvent[];

beforeAll(async () => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'raft3d-power-')));
  const data = join(directory, 'recorded');
  const recording = join(directory, 'calls.txt');
  const command = [process.execPath, '--import', 'tsx', WRITER, data, `${BATCHES}`];
  const [code] = await once(spawnRecorded(command, recording), 'exit');
  expect(code, 'strace must be allowed to trace').toBe(0);
  events = readRecording(recording, [join(data, NEW_DATA_FILE_NAME), join(data, DATA_FILE_NAME)]);
});
afterAll(() => rmSync(directory, { recursive: true }));

interface Loss {
  readonly image: Buffer;
  /** The last batch of which the writer had been told that it is durable. */
  readonly acknowledged: number;
}

/** From the first acknowledgement on, what every moment of `recorded` could have left. */
function* losses(recorded: readonly DiskEvent[]): Generator<Loss> {
  const draws = new Draws(1);
  const file = new RecordedFile();
  let acknowledged = -1;
  for (const event of recorded) {
    file.take(event);
    if (event.kind === 'says') acknowledged = Number(event.line);
    if (acknowledged < 0 || (isPageWrite(event) && !draws.chance(PAGE_WRITES_SEEN))) continue;
    for (const kept of KEPT) yield { image: file.afterLoss(draws, kept), acknowledged };
  }
}

function isPageWrite(event: DiskEvent): boolean {
  return event.kind === 'write-ends' || (event.kind === 'write-begins' && !event.isFlushed);
}

/** What is wrong with the store on `image`; undefined when nothing is. */
async function problemOf({ image, acknowledged }: Loss, at: number): Promise<string | undefined> {
  const place = join(directory, `loss${at}`);
  try {
    mkdirSync(place);
    writeFileSync(join(place, DATA_FILE_NAME), image);
    const store = await openLmdbStore(place);
    try {
      const next = checkBatches(store);
      return next > acknowledged ? undefined : `batch ${acknowledged} is lost: the next one is ${next}`;
    } finally {
      await new Promise<void>((resolve) => store.close(resolve));
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    rmSync(place, { recursive: true });
  }
}

describe('a disk that loses power while a store is written', () => {
  test('has everything that was acknowledged, and every batch whole or not, whatever it kept of the rest', async () => {
    let count = 0;
    for (const loss of losses(events)) {
      const problem = await problemOf(loss, count);
      expect(problem, `loss ${count}, batch ${loss.acknowledged} acknowledged`).toBeUndefined();
      count += 1;
    }
    // Each batch has its pages, its flush, its meta page and its acknowledgement.
    expect(count).toBeGreaterThan(KEPT.length * BATCHES * 4);
  });

  test('would not, if flushes did nothing: the check can fail', async () => {
    const unflushed = events
      .filter(({ kind }) => kind !== 'flush-begins' && kind !== 'flush-ends')
      .map((event): DiskEvent => (event.kind === 'write-begins' ? { ...event, isFlushed: false } : event));
    // Up to the first batch all was flushed: a store came to be.
    const first = events.findIndex(({ kind }) => kind === 'says');
    const recorded = [...events.slice(0, first), ...unflushed.slice(-(events.length - first))];
    let count = 0;
    for (const loss of losses(recorded)) {
      const problem = await problemOf(loss, count);
      if (problem !== undefined) return;
      count += 1;
    }
    expect.unreachable(`none of ${count} losses was noticed`);
  });
});
