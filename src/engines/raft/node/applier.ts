// Applies committed entries to the state, in order, once.

import { assert, unreachable } from '../../../shared/assert.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { Proposal } from '../codec/peer-message.ts';
import { decodeProposal } from '../codec/proposal-codec.ts';
import { findMember } from '../core/configuration.ts';
import type { CommandEntry, Entry } from '../core/entry.ts';
import type { SnapshotPoint } from '../core/ready.ts';
import type { Participant } from './participant.ts';
import { Sessions } from './sessions.ts';
import type { ReplicatedState } from './state/replicated-state.ts';

type ApplierHandlers = Required<Pick<Participant, 'onApplied' | 'onConfiguration'>>;

/** The state of a replica: its point is the last applied entry, and the configuration as of it. */
export type RaftState = ReplicatedState<SnapshotPoint>;

export class Applier {
  /** Part of the state: saved before a flush, and loaded again after an image replaced the state. */
  readonly sessions = new Sessions();
  readonly #state: RaftState;
  readonly #handlers: ApplierHandlers;

  constructor(state: RaftState, handlers: ApplierHandlers) {
    this.#state = state;
    this.#handlers = handlers;
    this.sessions.load(state.rows);
  }

  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const previous = this.#state.point;
      assert(entry.index === previous.index + 1, `entry ${entry.index} is applied after ${previous.index}`);
      this.#applyOne(entry, previous);
    }
  }

  #applyOne(entry: Entry, previous: SnapshotPoint): void {
    const { index, term } = entry;
    const isConfiguration = entry.kind === 'configuration';
    const { configuration } = isConfiguration ? entry : previous;
    const configurationIndex = isConfiguration ? index : previous.configurationIndex;
    // Field by field: a spread would cost several times as much, for every entry.
    this.#state.advance({ index, term, configuration, configurationIndex });
    switch (entry.kind) {
      case 'command':
        this.#applyCommand(entry);
        break;
      case 'configuration':
        this.sessions.retain(new Set(configuration.members.map((member) => member.server)));
        this.#handlers.onConfiguration(entry, previous.configuration);
        break;
      case 'leader-start':
        break;
      default:
        unreachable(entry);
    }
  }

  #applyCommand(entry: CommandEntry): void {
    const proposal = readProposal(entry.data);
    if (proposal === undefined) return;
    const { origin, command } = proposal;
    // A removed server has no session, so a repeated proposal of it could not be recognised.
    if (findMember(this.#state.point.configuration, origin.server) === undefined) return;
    if (!this.sessions.admit(origin)) return;
    this.#handlers.onApplied(origin, this.#state.applyCommand(command));
  }
}

/**
 * Decodes a proposal. Returns undefined for bytes that no node of ours wrote. All servers do so alike, and
 * such bytes must not stop the cluster.
 */
export function readProposal(bytes: Uint8Array): Proposal | undefined {
  try {
    return decodeProposal(bytes);
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}
