// Breadth-first search through every state within the bounds: the first violation found has the shortest
// path.

import { AssertionError, present } from '../../src/shared/assert.ts';
import { ClusterHasher, type ClusterState, expand, type Successor } from './cluster-state.ts';
import { HashSet } from './hashing.ts';
import { LocalStates } from './local-states.ts';
import { NO_HISTORY } from './safety.ts';
import type { Scenario } from './scenario.ts';

interface SearchOptions {
  /** Events in the longest path. */
  readonly depth: number;
  /** The search ends after this number of states, at about 300 bytes each. */
  readonly maxStates: number;
  /** Called from time to time; true ends the search. */
  readonly isTimeUp: () => boolean;
  /** Called for each depth that is explored completely. */
  readonly onDepth?: (depth: number, result: SearchResult) => void;
}

export interface SearchResult {
  readonly states: number;
  /** Events followed, including those that led to a known state. */
  readonly edges: number;
  /** Different states of single servers, for which the core was run. */
  readonly serverStates: number;
  /** Most entries committed in a state, and the latest term with a leader. */
  readonly mostCommitted: number;
  readonly latestTerm: number;
  /** Every path of this number of events was followed. */
  readonly depth: number;
  /** The reason for the end; `exhausted` means that the budget allows no deeper path. */
  readonly end: 'depth' | 'exhausted' | 'time' | 'states' | 'violation';
  readonly violation: Violation | undefined;
}

interface Violation {
  readonly property: string;
  /** The events that lead to the violation, the violating one last. */
  readonly path: readonly string[];
}

/** Events before the search: each is the first event of its state whose text begins like this. */
export type Script = readonly string[];

const STATES_BETWEEN_LOOKS_AT_TIME = 1_024;

export class Search {
  readonly #scenario: Scenario;
  readonly #locals: LocalStates;
  readonly #hasher: ClusterHasher;
  readonly #visited = new HashSet();
  /** The first way to each state: its parent, and the position of the event there. The root is state 0. */
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

  /** Walks from the root again, because only the parents are kept, not the states. */
  #pathTo(number: number): string[] {
    const ordinals: number[] = [];
    for (let at = number; at > 0; at = this.#parents[at] ?? 0) ordinals.push(this.#ordinals[at] ?? 0);
    let state = this.#root;
    return ordinals.reverse().map((ordinal) => {
      const successor = present(
        this.#successorsOf(state)[ordinal],
        'the successors of a state are always the same',
      );
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
