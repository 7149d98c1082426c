// Breadth first through every state within the bounds, so that the first violation found has the shortest path.

import { AssertionError, present } from '../../src/shared/assert.ts';
import { ClusterHasher, type ClusterState, expand, type Successor } from './cluster-state.ts';
import { HashSet } from './hashing.ts';
import { LocalStates } from './local-states.ts';
import { NO_HISTORY } from './safety.ts';
import type { Scenario } from './scenario.ts';

export interface SearchOptions {
  /** Events in the longest path. */
  readonly depth: number;
  /** States after which the search ends, for memory: about 300 bytes each. */
  readonly maxStates: number;
  /** Asked now and then: whether to end the search here. */
  readonly isTimeUp: () => boolean;
  /** Told of every depth that has been explored whole. */
  readonly onDepth?: (depth: number, result: SearchResult) => void;
}

export interface SearchResult {
  readonly states: number;
  /** Events followed, also those that led to a known state. */
  readonly edges: number;
  /** Different states of single servers: what the core was really run for. */
  readonly serverStates: number;
  /** How far it came: the most entries committed, and the latest term that anybody led in. */
  readonly mostCommitted: number;
  readonly latestTerm: number;
  /** Every path of so many events has been followed. */
  readonly depth: number;
  /** Why it ended: `exhausted` when there is nothing deeper within the budget. */
  readonly end: 'depth' | 'exhausted' | 'time' | 'states' | 'violation';
  readonly violation: Violation | undefined;
}

export interface Violation {
  readonly property: string;
  /** The events that lead to it, the breaking one last. */
  readonly path: readonly string[];
}

/** The events before the search begins: of each state, the first whose text begins like this. */
export type Script = readonly string[];

const STATES_BETWEEN_LOOKS_AT_TIME = 1_024;

export class Search {
  readonly #scenario: Scenario;
  readonly #locals: LocalStates;
  readonly #hasher: ClusterHasher;
  readonly #visited = new HashSet();
  /** How each state was reached first: from which, and by which of its events. The root is state 0. */
  readonly #parents: number[] = [-1];
  readonly #ordinals: number[] = [0];
  readonly #root: ClusterState;
  #edges = 0;
  #mostCommitted = 0;
  #latestTerm = 0;
  #violation: Violation | undefined;

  constructor(scenario: Scenario, script: Script = []) {
    this.#scenario = scenario;
    this.#locals = new LocalStates(scenario.initial, scenario.renamings);
    this.#hasher = new ClusterHasher(scenario.renamings);
    let root: ClusterState = {
      servers: scenario.servers.map((server) => this.#locals.boot(server, scenario.disks[server])),
      messages: [],
      history: NO_HISTORY,
      budget: scenario.budget,
    };
    for (const beginning of script) root = this.#scripted(root, beginning).state;
    this.#root = root;
  }

  run(options: SearchOptions): SearchResult {
    const root = this.#hasher.hash(this.#root);
    this.#visited.add(root.high, root.low);
    let frontier: Numbered[] = [{ number: 0, state: this.#root }];
    for (let depth = 0; depth < options.depth; depth++) {
      const deeper: Numbered[] = [];
      for (const [position, from] of frontier.entries()) {
        this.#follow(from, deeper);
        if (this.#violation !== undefined) return this.#result(depth, 'violation');
        if (this.#visited.size >= options.maxStates) return this.#result(depth, 'states');
        if (position % STATES_BETWEEN_LOOKS_AT_TIME === 0 && options.isTimeUp()) {
          return this.#result(depth, 'time');
        }
      }
      options.onDepth?.(depth + 1, this.#result(depth + 1, 'depth'));
      if (deeper.length === 0) return this.#result(depth + 1, 'exhausted');
      frontier = deeper;
    }
    return this.#result(options.depth, 'depth');
  }

  #follow(from: Numbered, deeper: Numbered[]): void {
    let ordinal = 0;
    expand(from.state, { scenario: this.#scenario, locals: this.#locals }, (successor) => {
      const which = ordinal++;
      this.#edges += 1;
      if (this.#violation !== undefined) return;
      if (successor.violation !== undefined) {
        const path = [...this.#pathTo(from.number), successor.event()];
        this.#violation = { property: successor.violation, path };
        return;
      }
      const { high, low } = this.#hasher.hash(successor.state);
      if (!this.#visited.add(high, low)) return;
      const { committed, leaders } = successor.state.history;
      this.#mostCommitted = Math.max(this.#mostCommitted, committed.length);
      this.#latestTerm = Math.max(this.#latestTerm, leaders.length - 1);
      deeper.push({ number: this.#parents.length, state: successor.state });
      this.#parents.push(from.number);
      this.#ordinals.push(which);
    });
  }

  /** Walks from the root again: only what led where was kept, not the states. */
  #pathTo(number: number): string[] {
    const ordinals: number[] = [];
    for (let at = number; at > 0; at = this.#parents[at] ?? 0) ordinals.push(this.#ordinals[at] ?? 0);
    let state = this.#root;
    return ordinals.reverse().map((ordinal) => {
      const successor = present(this.#successorsOf(state)[ordinal], 'a state always has the same successors');
      state = successor.state;
      return successor.event();
    });
  }

  #scripted(state: ClusterState, beginning: string): Successor {
    const successors = this.#successorsOf(state);
    const chosen = successors.find((one) => one.event().startsWith(beginning));
    if (chosen === undefined || chosen.violation !== undefined) {
      const events = successors.map((one) => one.event()).join('\n');
      throw new AssertionError(`no '${beginning}' here: ${chosen?.violation ?? events}`);
    }
    return chosen;
  }

  #successorsOf(state: ClusterState): Successor[] {
    const successors: Successor[] = [];
    expand(state, { scenario: this.#scenario, locals: this.#locals }, (one) => successors.push(one));
    return successors;
  }

  #result(depth: number, end: SearchResult['end']): SearchResult {
    return {
      states: this.#visited.size,
      edges: this.#edges,
      serverStates: this.#locals.count,
      mostCommitted: this.#mostCommitted,
      latestTerm: this.#latestTerm,
      depth,
      end,
      violation: this.#violation,
    };
  }
}

interface Numbered {
  readonly number: number;
  readonly state: ClusterState;
}
