// The properties of figure 3 and the promises they rest on. They are checked on messages and on disk content,
// never on the internal state of a server.

import { type Configuration, type ServerId, voters } from '../../../src/engines/raft/core/configuration.ts';
import type { Entry, LogPosition } from '../../../src/engines/raft/core/entry.ts';
import type { AppendRequest, Message } from '../../../src/engines/raft/core/message.ts';
import type { WriteOperation } from '../../../src/engines/raft/node/ports/key-value-store.ts';
import type { Violations } from '../../kit/violations.ts';
import { DiskMirror } from './disk-mirror.ts';
import { LogHistory } from './log-history.ts';

export class RaftProperties {
  readonly #violations: Violations;
  readonly #history: LogHistory;
  readonly #inForceAt: (server: ServerId) => Configuration | undefined;
  /** The disk of each server, kept when it is lost: no server returns with an empty disk. */
  readonly #mirrors = new Map<ServerId, DiskMirror>();
  readonly #leaders = new Map<number, ServerId>();
  /** Terms of the committed entries by index; index 0 is before the first entry. */
  readonly #committed: number[] = [0];
  /** The log of the latest leader when its term began. */
  #latestStart: LogPosition = { index: 0, term: 0 };
  snapshotsInstalled = 0;

  /** `inForceAt` returns the configuration that a server's process uses; undefined when there is none. */
  constructor(
    violations: Violations,
    inForceAt: (server: ServerId) => Configuration | undefined = () => undefined,
  ) {
    this.#violations = violations;
    this.#inForceAt = inForceAt;
    this.#history = new LogHistory(violations, {
      onLeaderStart: (entry, previousTerm) => this.#onLeaderStart(entry, previousTerm),
    });
  }

  /** Number of terms that had a leader. */
  get elections(): number {
    return this.#leaders.size;
  }

  get membershipChanges(): number {
    return this.#history.configurationEntries;
  }

  get commitIndex(): number {
    return this.#committed.length - 1;
  }

  /** The configuration as of the latest entry that is known to be committed. */
  get committedConfiguration(): Configuration | undefined {
    const term = this.#committed[this.commitIndex] ?? 0;
    return this.#history.configurationAt({ index: this.commitIndex, term });
  }

  mirrorOf(server: ServerId): DiskMirror {
    let mirror = this.#mirrors.get(server);
    if (mirror === undefined) {
      mirror = new DiskMirror();
      this.#mirrors.set(server, mirror);
    }
    return mirror;
  }

  // ------------------------------------------------------------ disks

  /** Called when a write of `server` is durable. `isInstall` means that it installed a snapshot. */
  onDurable(server: ServerId, operations: readonly WriteOperation[], isInstall = false): void {
    const mirror = this.mirrorOf(server);
    const { term: termBefore, votedFor: voteBefore } = mirror;
    const { hardState, entries, overlap, applied } = mirror.take(operations);
    if (hardState !== undefined) {
      const { term, votedFor } = hardState;
      this.#violations.expect(
        term > termBefore || (term === termBefore && (voteBefore === undefined || votedFor === voteBefore)),
        'term and vote never go back',
        () =>
          `${server} had term ${termBefore}, vote ${voteBefore}, and wrote term ${term}, vote ${votedFor}`,
      );
    }
    if (overlap !== undefined) {
      this.#violations.add('Log Matching', `${server} has entry ${overlap.index} on its disk twice`);
    }
    for (const entry of entries) {
      const previousTerm = mirror.termAt(entry.index - 1);
      if (previousTerm === undefined) {
        this.#violations.add('Log Matching', `${server} wrote entry ${entry.index} after a gap`);
      } else this.#history.see(previousTerm, [entry]);
    }
    if (isInstall) this.snapshotsInstalled += 1;
    if (applied !== undefined && applied.index > 0) this.#commit(applied, server);
  }

  /** Called when a process of `server` starts, with the term and log it has read. */
  onStart(server: ServerId, remembered: { term: number; lastLogIndex: number }): void {
    const mirror = this.mirrorOf(server);
    this.#violations.expect(
      remembered.term >= mirror.term && remembered.lastLogIndex >= mirror.lastIndex,
      'restart recovers durable state',
      () =>
        `${server} starts in term ${remembered.term} with ${remembered.lastLogIndex} entries, ` +
        `and its disk held term ${mirror.term} and ${mirror.lastIndex} entries`,
    );
  }

  // ------------------------------------------------------------ messages

  onSend(message: Message): void {
    switch (message.kind) {
      case 'append-request':
        this.#leads(message.from, message.term);
        this.#onAppendRequest(message);
        break;
      case 'heartbeat-request':
        this.#leads(message.from, message.term);
        break;
      case 'vote-request':
        this.#expectVote(message.from, message.term, message.from);
        break;
      case 'vote-response':
        if (message.granted) this.#expectVote(message.from, message.term, message.to);
        break;
      case 'append-response':
        if (message.success) this.#expectDurable(message.from, message.index);
        break;
      default:
        break;
    }
  }

  /** Election Safety (§5.2): at most one leader per term. */
  #leads(server: ServerId, term: number): void {
    const known = this.#leaders.get(term);
    if (known === undefined) this.#leaders.set(term, server);
    this.#violations.expect(
      known === undefined || known === server,
      'Election Safety',
      () => `${known} and ${server} both lead in term ${term}`,
    );
  }

  #onAppendRequest(message: AppendRequest): void {
    const { previousLogIndex, previousLogTerm, entries, commitIndex } = message;
    this.#history.see(previousLogTerm, entries);
    const last = entries.at(-1) ?? { index: previousLogIndex, term: previousLogTerm };
    if (commitIndex === 0 || commitIndex > last.index) return;
    const term = this.#history.termBefore(last, commitIndex);
    if (term !== undefined) this.#commit({ index: commitIndex, term }, message.from);
  }

  /** Checks that a vote is on disk before it is sent. */
  #expectVote(server: ServerId, term: number, candidate: ServerId): void {
    const mirror = this.mirrorOf(server);
    this.#violations.expect(
      mirror.term > term || (mirror.term === term && mirror.votedFor === candidate),
      'votes are durable',
      () =>
        `${server} sends its vote for ${candidate} in term ${term}; ` +
        `its disk has term ${mirror.term}, vote ${mirror.votedFor}`,
    );
  }

  /** Checks that acknowledged entries are on disk. */
  #expectDurable(server: ServerId, index: number): void {
    const mirror = this.mirrorOf(server);
    this.#violations.expect(
      mirror.lastIndex >= index,
      'acknowledged entries are durable',
      () => `${server} acknowledges entry ${index}; its disk ends at ${mirror.lastIndex}`,
    );
  }

  // ------------------------------------------------------------ commits

  /** Called when a process applies a command as entry `index` before any other process does. */
  onFirstApplied(index: number, serverOf: () => ServerId): void {
    if (index <= this.commitIndex) return;
    const server = serverOf();
    const terms = new Set([...this.#mirrors.values()].map((mirror) => mirror.termAt(index)));
    for (const term of terms) {
      if (term === undefined || !this.#isOnMajority({ index, term }, server)) continue;
      this.#commit({ index, term }, server);
      return;
    }
    this.#violations.add(
      'committed means durable on a majority',
      `entry ${index} is applied, on no majority of disks`,
    );
  }

  /** Records that `source` shows everything up to `position` to be committed. */
  #commit(position: LogPosition, source: ServerId): void {
    const { index, term } = position;
    if (index <= this.commitIndex) {
      this.#violations.expect(
        this.#committed[index] === term,
        'State Machine Safety',
        () =>
          `entry ${index} was committed with term ${this.#committed[index]}, and ${source} has term ${term}`,
      );
      return;
    }
    const terms = this.#history.termsBefore(position, this.commitIndex);
    this.#violations.expect(
      terms?.[0] === this.#committed[this.commitIndex],
      'Leader Completeness',
      () =>
        `${source} commits entry ${index} of term ${term} on top of entry ${this.commitIndex} of term ${terms?.[0]}, ` +
        `which was committed with term ${this.#committed[this.commitIndex]}`,
    );
    this.#committed.push(...(terms ?? []).slice(1));
    this.#violations.expect(
      this.#isOnMajority(position, source),
      'committed means durable on a majority',
      () => `${source} commits entry ${index} of term ${term}, which is on no majority of disks`,
    );
    if (this.#latestStart.term > term) this.#expectComplete(this.#latestStart);
  }

  /** Whether the entry is on a majority of a configuration that `source` may have counted by. */
  #isOnMajority(position: LogPosition, source: ServerId): boolean {
    const seen = this.#history.configurationsAround(position);
    if (seen.some((configuration) => this.#isHeldBy(configuration, position))) return true;
    // A leader uses the change it has appended before any other server can have seen it (dissertation §4.1).
    const own = this.#inForceAt(source);
    if (own === undefined || !seen.some((configuration) => differentVoters(configuration, own) <= 1))
      return false;
    return this.#isHeldBy(own, position);
  }

  #isHeldBy(configuration: Configuration, position: LogPosition): boolean {
    const all = voters(configuration);
    const holders = all.filter((server) => this.#mirrors.get(server)?.holds(position) === true);
    return holders.length > all.length / 2;
  }

  #onLeaderStart(entry: Entry, previousTerm: number): void {
    if (entry.term > this.#latestStart.term) {
      this.#latestStart = { index: entry.index, term: entry.term };
      this.#expectComplete(this.#latestStart);
    } else if (previousTerm > entry.term) {
      this.#violations.add(
        'Log Matching',
        `term ${entry.term} begins after an entry of term ${previousTerm}`,
      );
    }
  }

  /** Leader Completeness (§5.4): a leader has every entry that was committed in an earlier term. */
  #expectComplete(start: LogPosition): void {
    let index = this.commitIndex;
    while (index > 0 && (this.#committed[index] ?? 0) >= start.term) index -= 1;
    if (index === 0) return;
    const term = start.index > index ? this.#history.termBefore(start, index) : undefined;
    this.#violations.expect(
      term === this.#committed[index],
      'Leader Completeness',
      () =>
        `the leader of term ${start.term} begins at entry ${start.index} and has term ${term} at entry ${index}, ` +
        `which was committed with term ${this.#committed[index]}`,
    );
  }
}

function differentVoters(one: Configuration, other: Configuration): number {
  const [a, b] = [new Set(voters(one)), new Set(voters(other))];
  return [...a].filter((server) => !b.has(server)).length + [...b].filter((server) => !a.has(server)).length;
}
