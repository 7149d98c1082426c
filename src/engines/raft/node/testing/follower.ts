// One replica that follows a leader played by the test.

import { present } from '../../../../shared/assert.ts';
import { SeededGenerator } from '../../../../shared/seeded-generator.ts';
import type { RaftMessage } from '../../codec/peer-message.ts';
import { encodeProposal } from '../../codec/proposal-codec.ts';
import type { Entry } from '../../core/entry.ts';
import type { Message } from '../../core/message.ts';
import { boot } from '../boot.ts';
import { initialRecords, type LoadedState, loadDurableState } from '../log/durable-records.ts';
import { DEFAULT_LIMITS, type RaftLimits, type RaftOptions } from '../options.ts';
import type { Participant } from '../participant.ts';
import type { Transport } from '../ports/transport.ts';
import { Replica } from '../replica.ts';
import { TestClock, TestLogger } from './clock.ts';
import { COUNTER, testOptions } from './cluster.ts';
import { configurationOf } from './core.ts';
import { TestDisk, TestStore } from './store.ts';

export const LEADER = 'l@1';
/** The term in which l@1 leads, unless the test says otherwise. */
export const TERM = 3;
/** The state is written with every write of the log, and alone at every tick. */
export const ALONG: Partial<RaftLimits> = { flushStateAfterMs: 0 };

/** A follower of l@1, on a disk that may have been used before. */
export function createFollower(
  limits: Partial<RaftLimits> = ALONG,
  disk = new TestDisk(),
  change: Partial<RaftOptions> = {},
  generation = 1,
) {
  const clock = new TestClock();
  const store = new TestStore(clock, disk);
  const options = testOptions('f', { limits: { ...DEFAULT_LIMITS, ...limits }, ...change });
  const sent: Message[] = [];
  const fatal: Error[] = [];
  const applied: number[] = [];
  /** The order in which some of these were done, in words. */
  const steps: string[] = [];
  const ports = {
    store,
    transport: {
      send: (_: string, { message }: RaftMessage) => sent.push(message) > 0,
      flush: () => {
        steps.push(`${sent.length} sent`);
      },
    } as Pick<Transport, 'send' | 'flush'>,
    clock,
    random: new SeededGenerator(1),
    logger: new TestLogger(),
    stateMachine: COUNTER,
  };
  if (generation !== 1) {
    store.write(initialRecords({ server: 'f@1', clusterId: '', boots: 0 }, generation), () => undefined);
    clock.advance(5);
  }
  const starts: (LoadedState | undefined)[] = [];
  boot(ports, options, (_, state) => starts.push(state));
  clock.advance(5);
  const loaded = present(starts[0], 'it starts');
  store.written.length = 0;
  // A start must accept the disk after any write.
  store.onWritten = () => loadDurableState(store);
  const self = loaded.identity.server;
  const replica = new Replica(options, loaded, ports, (error) => fatal.push(error));
  /** Entries above `index` stay in the log. */
  const floor = { index: Number.POSITIVE_INFINITY };
  const participant: Participant = {
    onApplied: (origin) => {
      applied.push(origin.sequence);
      steps.push(`${applied.length} applied`);
    },
    compactionFloor: () => floor.index,
  };
  replica.setParticipants([participant]);
  const append = (
    entries: readonly Entry[],
    { commitIndex = 0, term = TERM, from = LEADER, previous = { index: 0, term: 0 } } = {},
  ): void => {
    replica.core.step({
      kind: 'append-request',
      from,
      to: self,
      term,
      previousLogIndex: previous.index,
      previousLogTerm: previous.term,
      entries,
      commitIndex,
    });
    replica.schedule();
    clock.settle();
  };
  return { clock, store, disk, replica, append, floor, sent, fatal, applied, steps, self };
}

export const CONFIGURATION = configurationOf({ l: 'voter', o: 'voter' });

/** Makes a configuration entry, then commands that count x2, x3, …. */
export function logOf(count: number, term = TERM): Entry[] {
  return Array.from({ length: count }, (_, position): Entry => {
    const index = position + 1;
    if (index === 1) return { kind: 'configuration', index, term, configuration: CONFIGURATION };
    const data = encodeProposal({
      origin: { server: 'o@1', boot: 1, sequence: index, settledBelow: 1 },
      command: new TextEncoder().encode(`x${index}`),
    });
    return { kind: 'command', index, term, data };
  });
}
