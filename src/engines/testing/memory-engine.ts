// The smallest engine: one process that orders commands as they come, without disk, peers or membership.

import { MemoryState } from '../../state/memory-state.ts';
import type { StateReader } from '../../state/state-view.ts';
import { AdvanceListeners } from '../advance-listeners.ts';
import {
  type Engine,
  type EngineHealth,
  type Position,
  type ProposalOutcome,
  type ReadOutcome,
  type StateMachine,
  toPosition,
} from '../engine.ts';

const SELF = { node: 'node1', peerAddress: 'node1:7000', httpAddress: 'node1:8080' };

export class MemoryEngine implements Engine {
  readonly membership = undefined;
  readonly #stateMachine: StateMachine;
  readonly #soon: (callback: () => void) => void;
  readonly #state = new MemoryState();
  readonly #listeners = new AdvanceListeners();
  #position = toPosition(0);
  /** The commands of the next batch. */
  #waiting: { readonly command: Uint8Array; readonly done: (outcome: ProposalOutcome) => void }[] = [];

  /** `soon` runs a callback later. Commands that are proposed until then are one batch. */
  constructor(stateMachine: StateMachine, soon: (callback: () => void) => void) {
    this.#stateMachine = stateMachine;
    this.#soon = soon;
  }

  propose(command: Uint8Array, done: (outcome: ProposalOutcome) => void): void {
    if (this.#waiting.push({ command, done }) === 1) this.#soon(() => this.#applyBatch());
  }

  #applyBatch(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    for (const { command, done } of batch) {
      this.#position = toPosition(this.#position + 1);
      done({
        kind: 'applied',
        result: this.#stateMachine.apply(this.#state, command, this.#position),
      });
    }
    this.#listeners.notify(this.#position);
  }

  readBarrier(done: (outcome: ReadOutcome) => void): void {
    this.#soon(() => done({ kind: 'ready' }));
  }

  state(): StateReader {
    return this.#state;
  }

  position(): Position {
    return this.#position;
  }

  onAdvance(listener: (position: Position) => void): () => void {
    return this.#listeners.add(listener);
  }

  stalenessMs(): number {
    return 0;
  }

  health(): EngineHealth {
    return {
      kind: 'ready',
      node: SELF.node,
      clusterId: 'memory',
      isLeader: true,
      leader: SELF,
      details: {},
    };
  }
}
