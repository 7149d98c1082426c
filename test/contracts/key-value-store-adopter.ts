// A process to be killed or recorded: argv[2] is the directory of its store, argv[3] the file of an image. It
// takes STEPS steps: it writes, adopts the image, and writes again. It prints the number of each durable step
// on a line.

import { readFileSync, writeSync } from 'node:fs';
import { checkSealed } from '../../src/engines/raft/codec/sealed-record.ts';
import type {
  KeyValueReader,
  KeyValueStore,
  WriteOperation,
} from '../../src/engines/raft/node/ports/key-value-store.ts';
import { openLmdbStore } from '../../src/engines/raft/storage/open-store.ts';
import { DROPPED, put, RANGE, rows, textAt } from './key-value-store-images.ts';
import { TINY_JOURNAL } from './key-value-store-lmdb.ts';

export const STEPS = 12;
export const ADOPTION = 6;
const OWN_ROWS = 30;
const IMAGE_ROWS = 200;

/** The rows of the image. */
export const IMAGE_WRITES = [
  ...rows('s', IMAGE_ROWS, 'theirs'),
  ...rows('l', 700, 'theirs'),
  put('m', 'theirs'),
];

/**
 * Returns a step's operations: its number, a row that the adoption drops, and rows in the range, one of which
 * changes.
 */
function operationsOf(step: number): WriteOperation[] {
  const beside = [put('m', `${step}`), ...(step < ADOPTION ? [put(`l${step}`, 'ours')] : [])];
  return step === 0
    ? [...beside, ...rows('s', OWN_ROWS, 'ours')]
    : [...beside, put('s100000', `step ${step}`)];
}

/** Returns how many steps a store has seen. Throws when its rows are not those between two steps. */
export function stepsIn(store: KeyValueReader): number {
  const text = textAt(store, 'm');
  if (text === undefined) return 0;
  const step = Number(text);
  const count = (range: typeof RANGE): number => [...store.range(range)].length;
  const isAdopted = step >= ADOPTION;
  const first = step === 0 ? 'ours0' : step === ADOPTION ? 'theirs0' : `step ${step}`;
  const expected = isAdopted ? [IMAGE_ROWS, 0, first, 'theirs199'] : [OWN_ROWS, step + 1, first, undefined];
  const found = [count(RANGE), count(DROPPED), textAt(store, 's100000'), textAt(store, 's100199')];
  if (found.join() !== expected.join()) throw new Error(`after step ${step}: ${found.join()}`);
  return step + 1;
}

function takeStep(
  store: KeyValueStore,
  step: number,
  image: Uint8Array,
  done: (error: Error | undefined) => void,
): void {
  if (step !== ADOPTION) {
    store.write(operationsOf(step), done);
    return;
  }
  const staging = store.stageImage(image.length);
  staging.append(image, () => undefined);
  staging.finish(
    () => undefined,
    (error) => {
      const operations = [put('m', `${step}`)];
      if (error !== undefined) done(error);
      else store.adopt({ staging, range: RANGE, dropped: DROPPED, operations }, done);
    },
  );
}

async function takeSteps(directory: string, imageFile: string): Promise<void> {
  const store = await openLmdbStore(directory, checkSealed, TINY_JOURNAL);
  const image = readFileSync(imageFile);
  const next = (step: number): void => {
    if (step === STEPS) process.exit(0);
    takeStep(store, step, image, (error) => {
      if (error !== undefined) throw error;
      writeSync(1, `${step}\n`);
      next(step + 1);
    });
  };
  next(stepsIn(store));
}

const [, program, directory, imageFile] = process.argv;
if (program?.endsWith('key-value-store-adopter.ts') && directory !== undefined && imageFile !== undefined)
  await takeSteps(directory, imageFile);
