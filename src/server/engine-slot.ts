// The engine behind the API. A node that joins again after a removal puts a new engine into the slot.

import { AdvanceListeners } from '../engines/advance-listeners.ts';
import type {
  Engine,
  EngineHealth,
  Membership,
  Position,
  ProposalOutcome,
  ReadOutcome,
} from '../engines/engine.ts';
import type { StateReader } from '../state/state-view.ts';

export class EngineSlot implements Engine {
  #engine: Engine;
  readonly #listeners = new AdvanceListeners();
  #stopListening: () => void;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#stopListening = this.#listen();
  }

  replace(engine: Engine): void {
    this.#stopListening();
    this.#engine = engine;
    this.#stopListening = this.#listen();
  }

  #listen(): () => void {
    return this.#engine.onAdvance((position) => this.#listeners.notify(position));
  }

  get membership(): Membership | undefined {
    return this.#engine.membership;
  }

  propose(command: Uint8Array, done: (outcome: ProposalOutcome) => void): void {
    this.#engine.propose(command, done);
  }

  readBarrier(done: (outcome: ReadOutcome) => void): void {
    this.#engine.readBarrier(done);
  }

  state(): StateReader {
    return this.#engine.state();
  }

  position(): Position {
    return this.#engine.position();
  }

  onAdvance(listener: (position: Position) => void): () => void {
    return this.#listeners.add(listener);
  }

  stalenessMs(): number | undefined {
    return this.#engine.stalenessMs();
  }

  health(): EngineHealth {
    return this.#engine.health();
  }
}
