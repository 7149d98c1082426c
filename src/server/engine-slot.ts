// The engine that the API speaks to. A removed node that joins again gets a new one behind the same API.

import type { Engine, EngineStatus, MemberStatus, ProposalOutcome, ReadOutcome } from '../engines/engine.ts';
import type { MemberChange, MemberChangeOutcome } from '../engines/raft/codec/peer-message.ts';
import type { StateReader } from '../state/state-view.ts';

export class EngineSlot implements Engine {
  #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  replace(engine: Engine): void {
    this.#engine = engine;
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

  stalenessMs(): number | undefined {
    return this.#engine.stalenessMs();
  }

  changeMembers(change: MemberChange, done: (outcome: MemberChangeOutcome) => void): void {
    this.#engine.changeMembers(change, done);
  }

  status(): EngineStatus {
    return this.#engine.status();
  }

  members(): readonly MemberStatus[] {
    return this.#engine.members();
  }
}
