// A receiver of snapshots, its store, and leaders that the test speaks for.

import type { SnapshotPoint } from '../raft/ready.ts';
import type { KeyValueRow } from './ports.ts';
import { decodeSnapshotFrame, encodeSnapshotFrame, type SnapshotFrame } from './snapshot-frames.ts';
import { SnapshotReceiver } from './snapshot-receiver.ts';
import { StateStore } from './state-store.ts';
import { TestClock, TestLogger } from './test-clock.ts';
import { configurationOf } from './test-core.ts';
import { TestChannel } from './test-network.ts';
import { rowsOf, rowOf as sealedRow } from './test-snapshot-rows.ts';
import { TestStore } from './test-store.ts';

export const POINT: SnapshotPoint = {
  index: 40,
  term: 2,
  configuration: configurationOf({ a: 'voter' }),
  configurationIndex: 1,
};

/** The sender's rows are of this generation, the receiver's of others. */
const GENERATION = 7;

export function rowOf(key: string, value: unknown): KeyValueRow {
  return sealedRow(GENERATION, key, value);
}

export function createReceiver() {
  const clock = new TestClock();
  const store = new TestStore(clock);
  const state = new StateStore(store, 1);
  const fatal: unknown[] = [];
  const node = { term: 2, commitIndex: 10, durableCommitIndex: 10, wants: true };
  const installs: { point: SnapshotPoint; generation: number; done: () => void }[] = [];
  const receiver = new SnapshotReceiver(
    { store, logger: new TestLogger() },
    {
      current: () => node,
      newStagingGeneration: () => state.beginStaging(),
      install: (point, generation, done) => {
        if (node.wants) installs.push({ point, generation, done });
        return node.wants;
      },
      guarded: (action) => {
        try {
          action();
        } catch (error) {
          fatal.push(error);
        }
      },
    },
  );
  /** A leader's end of a channel, and what the receiver answered on it. */
  const open = (from = 'l@1') => {
    const [ours, theirs] = TestChannel.pair([clock, clock]);
    const answers: SnapshotFrame[] = [];
    ours.onFrame = (bytes) => answers.push(decodeSnapshotFrame(bytes));
    receiver.accept(from, theirs);
    const say = (frame: SnapshotFrame): void => ours.send(encodeSnapshotFrame(frame), () => undefined);
    return {
      channel: ours,
      answers,
      say,
      begin: (change: { snapshotId?: string; term?: number; point?: SnapshotPoint } = {}) => {
        say({ kind: 'begin', snapshotId: '1-1', term: 2, point: POINT, generation: GENERATION, ...change });
        clock.advance(5);
      },
      chunk: (sequence: number, ...rows: KeyValueRow[]) => {
        say({ kind: 'chunk', sequence, rows: rowsOf(...rows) });
        clock.advance(5);
      },
      end: (rowCount: number) => {
        say({ kind: 'end', rowCount });
        clock.advance(5);
      },
      kinds: () => answers.map(({ kind }) => kind),
    };
  };
  return { clock, store, state, receiver, node, installs, fatal, open };
}
