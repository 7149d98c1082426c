// Applies committed entries to the state, in order, once.

import { assert, unreachable } from '../../../../shared/assert.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import type { StateReader, StateView } from '../../../../state/state-view.ts';
import { type StateMachine, toPosition } from '../../../engine.ts';
import type { Proposal, ProposalOrigin } from '../../codec/peer-message.ts';
import { decodeProposal } from '../../codec/proposal-codec.ts';
import { type Configuration, findMember } from '../../core/configuration.ts';
import type { CommandEntry, ConfigurationEntry, Entry } from '../../core/entry.ts';
import type { SnapshotPoint } from '../../core/ready.ts';
import { Sessions } from './sessions.ts';

export interface ApplierHandlers {
  /** A command was applied, for the first and only time. */
  onApplied(origin: ProposalOrigin, result: unknown): void;
  /** `previous` was the configuration before. */
  onConfiguration(entry: ConfigurationEntry, previous: Configuration): void;
}

export class Applier {
  readonly #stateMachine: StateMachine;
  readonly #view: StateView & StateReader;
  readonly #handlers: ApplierHandlers;
  readonly #sessions = new Sessions();
  /** The last entry that the state holds, and the configuration as of it. */
  #point: SnapshotPoint;

  constructor(
    stateMachine: StateMachine,
    view: StateView,
    options: { point: SnapshotPoint; handlers: ApplierHandlers },
  ) {
    this.#stateMachine = stateMachine;
    this.#view = view;
    this.#point = options.point;
    this.#handlers = options.handlers;
    this.#sessions.load(view);
  }

  get point(): SnapshotPoint {
    return this.#point;
  }

  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(
        entry.index === this.#point.index + 1,
        `entry ${entry.index} is applied after ${this.#point.index}`,
      );
      this.#applyOne(entry);
    }
  }

  #applyOne(entry: Entry): void {
    const previous = this.#point;
    switch (entry.kind) {
      case 'command':
        this.#point = atEntry(previous, entry);
        this.#applyCommand(entry);
        break;
      case 'configuration':
        this.#point = {
          index: entry.index,
          term: entry.term,
          configuration: entry.configuration,
          configurationIndex: entry.index,
        };
        this.#sessions.retain(new Set(entry.configuration.members.map((member) => member.server)));
        this.#handlers.onConfiguration(entry, previous.configuration);
        break;
      case 'leader-start':
        this.#point = atEntry(previous, entry);
        break;
      default:
        unreachable(entry);
    }
  }

  #applyCommand(entry: CommandEntry): void {
    const proposal = readProposal(entry.data);
    if (proposal === undefined) return;
    const { origin, command } = proposal;
    // A server that was removed has no session left to tell a repetition by.
    if (findMember(this.#point.configuration, origin.server) === undefined) return;
    if (!this.#sessions.admit(origin)) return;
    this.#handlers.onApplied(origin, this.#stateMachine.apply(this.#view, command, toPosition(entry.index)));
  }

  /** Brings the sessions into the state: call before the state is written. */
  saveSessions(): void {
    this.#sessions.save(this.#view);
  }

  /** The state was replaced by a snapshot that ends at `point`. */
  restored(point: SnapshotPoint): void {
    this.#point = point;
    this.#sessions.load(this.#view);
  }
}

/** Field by field: for every entry, a spread costs several times as much. */
function atEntry(
  { configuration, configurationIndex }: SnapshotPoint,
  { index, term }: Entry,
): SnapshotPoint {
  return { index, term, configuration, configurationIndex };
}

/** Undefined, on every server alike, for bytes that no node of ours wrote: they must not stop the whole cluster. */
export function readProposal(bytes: Uint8Array): Proposal | undefined {
  try {
    return decodeProposal(bytes);
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}
