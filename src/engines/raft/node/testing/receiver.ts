// A receiver of snapshots, its store, and leaders played by the test.

import { encodeRowImage } from '../../../../../verify/kit/row-image.ts';
import type { SnapshotPoint } from '../../core/ready.ts';
import { putApplied } from '../log/durable-records.ts';
import type { SnapshotInstall } from '../replica.ts';
import {
  decodeSnapshotFrame,
  encodeSnapshotFrame,
  type SnapshotFrame,
} from '../snapshots/snapshot-frames.ts';
import { SnapshotReceiver } from '../snapshots/snapshot-receiver.ts';
import { TestClock, TestLogger } from './clock.ts';
import { configurationOf } from './core.ts';
import { TestChannel } from './network.ts';
import { TestStore } from './store.ts';

export const POINT: SnapshotPoint = {
  index: 40,
  term: 2,
  configuration: configurationOf({ a: 'voter' }),
  configurationIndex: 1,
};

/** Returns an image of a store whose state has this point. */
export function imageAt(point: SnapshotPoint): Uint8Array {
  const applied = putApplied({ ...point, generation: 7 });
  return encodeRowImage(applied.kind === 'put' ? [applied] : []);
}

export const IMAGE = imageAt(POINT);
/** Where tests cut the image into chunks. */
export const HALF = Math.floor(IMAGE.length / 2);

export function createReceiver() {
  const clock = new TestClock();
  const store = new TestStore(clock);
  const fatal: unknown[] = [];
  const node = { term: 2, commitIndex: 10, durableIndex: 10, wants: true };
  const installs: (SnapshotInstall & { done: () => void })[] = [];
  const runOrStop = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      fatal.push(error);
    }
  };
  const receiver = new SnapshotReceiver({
    store,
    clock,
    logger: new TestLogger(),
    replica: { core: node, runOrStop },
    install: (snapshot, done) => {
      if (node.wants) installs.push({ ...snapshot, done });
      return node.wants;
    },
  });
  /** Opens a channel. Returns the leader's end, and the receiver's answers. */
  const open = (from = 'l@1') => {
    const [ours, theirs] = TestChannel.pair([clock, clock]);
    const answers: SnapshotFrame[] = [];
    ours.onFrame = (bytes) => answers.push(decodeSnapshotFrame(bytes));
    receiver.accept(from, theirs);
    const say = (frame: SnapshotFrame): void => ours.send(encodeSnapshotFrame(frame), () => undefined);
    const chunk = (offset: number, end: number, image = IMAGE): void => {
      say({ kind: 'chunk', offset, bytes: image.subarray(offset, end) });
      clock.advance(5);
    };
    return {
      channel: ours,
      answers,
      say,
      begin: (change: Partial<SnapshotFrame & { kind: 'begin' }> = {}) => {
        say({ kind: 'begin', snapshotId: '1-1', term: 2, point: POINT, sizeBytes: IMAGE.length, ...change });
        clock.advance(5);
      },
      chunk,
      /** Sends a whole image in two chunks. */
      bring: (image = IMAGE) => {
        chunk(0, HALF, image);
        chunk(HALF, image.length, image);
      },
      kinds: () => answers.map(({ kind }) => kind),
    };
  };
  return { clock, store, receiver, node, installs, fatal, open };
}
