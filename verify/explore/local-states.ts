// The states of a single server, each computed once. A server behaves the same in every cluster state that
// contains its state, so exploring the cluster is mostly a lookup. The core cannot be copied: a state is the
// disk at the start of the process and the inputs since then, and is recreated by replaying them.

import type { Configuration, ServerId } from '../../src/engines/raft/core/configuration.ts';
import { isVoter } from '../../src/engines/raft/core/configuration.ts';
import type { Message } from '../../src/engines/raft/core/message.ts';
import { AssertionError } from '../../src/shared/assert.ts';
import { afterWrite, type DiskImage, EMPTY_DISK } from './explored-disk.ts';
import { ExploredServer, type Input } from './explored-server.ts';
import { describeEntry, describeMessage, fingerprint, type Renaming, viewOf } from './fingerprint.ts';
import { type Hash, hashText } from './hashing.ts';

/** The view that the checks and the explorer have of a server. */
export interface LocalState {
  readonly server: ServerId;
  readonly term: number;
  readonly isLeader: boolean;
  readonly commitIndex: number;
  /** From index 1: term and content of each entry. */
  readonly log: readonly string[];
  readonly diskLog: readonly string[];
  readonly diskTerm: number;
  readonly isWriting: boolean;
  /** The configuration in force, that is, the latest in the log. */
  readonly configuration: Configuration;
  readonly voters: readonly ServerId[];
  /** On a leader, the match index of each member. */
  readonly matches: readonly (readonly [ServerId, number])[];
  /** One hash for each renaming of the explorer. */
  readonly hashes: readonly Hash[];
  /** The inputs that recreate this state. */
  readonly origin: Origin;
  readonly transitions: Map<string, Transition>;
}

type Origin = { readonly disk: DiskImage } | { readonly before: LocalState; readonly input: Input };

export interface Transition {
  readonly next: LocalState;
  readonly sent: readonly InternedMessage[];
  /** Index and content of each applied entry. */
  readonly applied: readonly (readonly [number, string])[];
  /** A violation by this server alone. */
  readonly violation: string | undefined;
}

export interface InternedMessage {
  readonly id: number;
  readonly message: Message;
  readonly text: string;
  readonly hashes: readonly Hash[];
}

const SAME: Renaming = (server) => server;

export class LocalStates {
  readonly #initial: Configuration;
  readonly #renamings: readonly Renaming[];
  readonly #states = new Map<string, LocalState>();
  readonly #messages = new Map<string, InternedMessage>();

  /** States that are equal under one of `renamings` count as the same. The identity comes first. */
  constructor(initial: Configuration, renamings: readonly Renaming[]) {
    this.#initial = initial;
    this.#renamings = renamings;
  }

  get count(): number {
    return this.#states.size;
  }

  boot(server: ServerId, disk: DiskImage = EMPTY_DISK): LocalState {
    return this.#intern(new ExploredServer(server, disk, this.#initial), { disk });
  }

  /** Returns the transition of a server on `input`. `key` identifies the input. */
  after(before: LocalState, key: string, input: Input): Transition {
    const known = before.transitions.get(key);
    if (known !== undefined) return known;
    const transition = this.#compute(before, input);
    before.transitions.set(key, transition);
    return transition;
  }

  /** The process dies and restarts. `isWriteKept` says whether a pending write is durable. */
  afterCrash(before: LocalState, isWriteKept: boolean): Transition {
    const key = isWriteKept ? 'crash, write kept' : 'crash';
    const known = before.transitions.get(key);
    if (known !== undefined) return known;
    const { server, disk, write } = this.#replay(before);
    const left = isWriteKept && write !== undefined ? afterWrite(disk, write) : disk;
    const transition = { next: this.boot(server, left), sent: [], applied: [], violation: undefined };
    before.transitions.set(key, transition);
    return transition;
  }

  message(message: Message): InternedMessage {
    const text = describeMessage(message, SAME);
    const known = this.#messages.get(text);
    if (known !== undefined) return known;
    const hashes = this.#renamings.map((name) => hashText(describeMessage(message, name)));
    const interned = { id: this.#messages.size, message, text, hashes };
    this.#messages.set(text, interned);
    return interned;
  }

  #compute(before: LocalState, input: Input): Transition {
    const { explored } = this.#replay(before);
    try {
      const { sent, applied, brokenPromise } = explored.handle(input);
      return {
        sent: sent.map((message) => this.message(message)),
        applied: applied.map((entry) => [entry.index, describeEntry(entry, SAME)] as const),
        next: this.#intern(explored, { before, input }),
        violation: brokenPromise,
      };
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
      return { next: before, sent: [], applied: [], violation: `assertion: ${error.message}` };
    }
  }

  #replay(state: LocalState): Pick<ExploredServer, 'disk' | 'write'> & {
    server: ServerId;
    explored: ExploredServer;
  } {
    const inputs: Input[] = [];
    let { origin } = state;
    while ('before' in origin) {
      inputs.push(origin.input);
      origin = origin.before.origin;
    }
    const explored = new ExploredServer(state.server, origin.disk, this.#initial);
    for (const input of inputs.reverse()) explored.handle(input);
    return { server: state.server, explored, disk: explored.disk, write: explored.write };
  }

  /** Returns the state of `explored`, and uses `explored` up. */
  #intern(explored: ExploredServer, origin: Origin): LocalState {
    const { core, disk, write } = explored;
    const { role, term, commitIndex, configuration } = core;
    const view = viewOf(explored);
    const text = fingerprint(view, SAME);
    const { high, low } = hashText(text);
    const key = `${high} ${low}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const state: LocalState = {
      server: view.state.server,
      term,
      isLeader: role === 'leader',
      commitIndex,
      log: view.log.map((entry) => describeEntry(entry, SAME)),
      diskLog: disk.entries.map((entry) => describeEntry(entry, SAME)),
      diskTerm: disk.hardState.term,
      isWriting: write !== undefined,
      configuration,
      voters: configuration.members.flatMap((m) => (isVoter(configuration, m.server) ? [m.server] : [])),
      matches: [...view.state.progress].map(([server, { match }]) => [server, match] as const),
      hashes: this.#renamings.map((name) => hashText(fingerprint(view, name))),
      origin,
      transitions: new Map(),
    };
    this.#states.set(key, state);
    return state;
  }
}
