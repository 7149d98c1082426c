// The safety properties (figure 3), which hold after every step of any server, whatever faults happen.

import { assert, present } from '../../../../shared/assert.ts';
import type { ServerId } from '../configuration.ts';
import { voters } from '../configuration.ts';
import type { Entry } from '../entry.ts';
import type { Message } from '../message.ts';
import { majority } from '../quorum.ts';
import type { RaftCore } from '../raft-core.ts';
import type { TestDisk } from './disk.ts';

/** The parts of a server that the checks look at. */
interface Watched {
  readonly id: ServerId;
  readonly core: RaftCore;
  readonly disk: TestDisk;
}

interface Seen {
  commitIndex: number;
  /** Terms of the log at the last check, by index. */
  terms: number[];
}

export function describeEntry(entry: Entry): string {
  if (entry.kind === 'command') return `${entry.term}:${String.fromCharCode(...entry.data)}`;
  if (entry.kind === 'leader-start') return `${entry.term}:leader-start`;
  const members = entry.configuration.members.map((member) => `${member.server}=${member.role}`);
  return `${entry.term}:${members.join(' ')}`;
}

export class SafetyChecker {
  readonly #leaders = new Map<number, ServerId>();
  readonly #votes = new Map<string, ServerId>();
  readonly #contents = new Map<string, string>();
  readonly #previousTerms = new Map<string, number>();
  /** Terms of committed entries by index; 0 at index 0. */
  readonly #committed: number[] = [0];
  readonly #applied: string[] = [];
  readonly #seen = new Map<ServerId, Seen>();

  /** The highest index that any server knows to be committed. A read that begins now must see it. */
  get committedIndex(): number {
    return this.#committed.length - 1;
  }

  /** Called when a server starts without the memory that it had. */
  onStarted(server: ServerId): void {
    this.#seen.delete(server);
  }

  /** Called after every step of `server`. `all` are the servers whose disks count, running or not. */
  check(server: Watched, all: ReadonlyMap<ServerId, Watched>): void {
    const seen = this.#seen.get(server.id) ?? { commitIndex: 0, terms: [] };
    this.#seen.set(server.id, seen);
    this.#checkElectionSafety(server);
    this.#checkLogMatching(server, seen);
    this.#checkCommitted(server, { seen, all });
  }

  /** Called before `message` leaves `server`. The disk must already hold what the message promises. */
  onLeaving(server: Watched, message: Message): void {
    const { disk, core } = server;
    if (message.kind === 'append-request') for (const entry of message.entries) this.#noteContent(entry);
    if (tellsOwnTerm(message)) {
      assert(
        disk.hardState.term >= message.term,
        `${message.kind} tells term ${message.term} before it is durable`,
      );
    }
    if (message.kind === 'vote-request' || (message.kind === 'vote-response' && message.granted)) {
      const candidate = message.kind === 'vote-request' ? message.from : message.to;
      const { term, votedFor } = disk.hardState;
      assert(term === message.term && votedFor === candidate, `${message.kind} before the vote is durable`);
      this.#noteVote(message.from, { term, candidate });
    }
    if (message.kind === 'vote-request') {
      assert(
        disk.holds(message.lastLogIndex, message.lastLogTerm),
        'a candidacy on a log that is not durable',
      );
    }
    if (message.kind === 'append-response' && message.success) {
      const term = core.termAt(message.index);
      assert(
        term === undefined || disk.holds(message.index, term),
        'an entry acknowledged before it is durable',
      );
    }
  }

  /** State machine safety (§5.4.3): all servers apply the same entry at an index. */
  onApplied(server: ServerId, index: number, entry: string): void {
    const before = this.#applied[index];
    assert(
      before === undefined || before === entry,
      `${server} applies '${entry}' at ${index}, not '${before}'`,
    );
    this.#applied[index] = entry;
  }

  #noteVote(voter: ServerId, { term, candidate }: { term: number; candidate: ServerId }): void {
    const before = this.#votes.get(`${voter}/${term}`);
    assert(before === undefined || before === candidate, `${voter} votes twice in term ${term}`);
    this.#votes.set(`${voter}/${term}`, candidate);
  }

  #noteContent(entry: Entry): void {
    const key = `${entry.index}/${entry.term}`;
    const content = describeEntry(entry);
    const before = this.#contents.get(key);
    assert(before === undefined || before === content, `two entries at ${key}: '${before}' and '${content}'`);
    this.#contents.set(key, content);
  }

  /** A term has at most one leader (§5.2), which holds all committed entries (§5.4.3). */
  #checkElectionSafety({ id, core }: Watched): void {
    if (core.role !== 'leader') return;
    const before = this.#leaders.get(core.term);
    assert(before === undefined || before === id, `${before} and ${id} both lead in term ${core.term}`);
    if (before !== undefined) return;
    this.#leaders.set(core.term, id);
    for (let index = core.logStart.index; index <= this.committedIndex; index++) {
      assert(
        core.termAt(index) === this.#committed[index],
        `leader ${id} lacks the committed entry ${index}`,
      );
    }
  }

  /** Entries of one index and term have one predecessor: logs that agree there agree before it (§5.3). */
  #checkLogMatching({ core }: Watched, seen: Seen): void {
    seen.terms.length = Math.min(seen.terms.length, core.lastLogIndex + 1);
    for (let index = core.lastLogIndex; index > core.logStart.index; index--) {
      const term = present(core.termAt(index), 'entries between start and end have terms');
      if (seen.terms[index] === term) break;
      seen.terms[index] = term;
      const previous = present(core.termAt(index - 1), 'an entry has one before it, or the start');
      const before = this.#previousTerms.get(`${index}/${term}`);
      assert(
        before === undefined || before === previous,
        `${index}/${term} follows ${before} and ${previous}`,
      );
      this.#previousTerms.set(`${index}/${term}`, previous);
    }
  }

  #checkCommitted(server: Watched, { seen, all }: { seen: Seen; all: ReadonlyMap<ServerId, Watched> }): void {
    const { id, core } = server;
    assert(core.commitIndex >= seen.commitIndex, `the commit index of ${id} decreased`);
    assert(core.appliedIndex <= core.commitIndex, `${id} applies an uncommitted entry`);
    for (
      let index = Math.max(seen.commitIndex + 1, core.logStart.index);
      index <= core.commitIndex;
      index++
    ) {
      const term = present(core.termAt(index), `the log of ${id} lacks a committed entry`);
      const before = this.#committed[index];
      assert(
        before === undefined || before === term,
        `${id} commits ${index}/${term}, not ${index}/${before}`,
      );
      if (before !== undefined) continue;
      assert(index === this.#committed.length, `${id} knows of commits that no leader made`);
      this.#committed.push(term);
      this.#checkMajorityHolds(server, { index, term, all });
    }
    seen.commitIndex = core.commitIndex;
  }

  /** A committed entry survives the crash of all servers. */
  #checkMajorityHolds(
    { core }: Watched,
    { index, term, all }: { index: number; term: number; all: ReadonlyMap<ServerId, Watched> },
  ): void {
    const quorum = voters(core.configuration);
    const holding = quorum.filter((voter) => all.get(voter)?.disk.holds(index, term) === true);
    assert(
      holding.length >= majority(quorum.length),
      `${index}/${term} committed with only '${holding.join(' ')}' of '${quorum.join(' ')}' holding it`,
    );
  }
}

function tellsOwnTerm(message: Message): boolean {
  switch (message.kind) {
    case 'pre-vote-request':
    case 'read-index-request':
    case 'read-index-response':
      return false;
    case 'pre-vote-response':
      return !message.granted;
    default:
      return true;
  }
}
