// One state of the whole cluster, the events that can follow, and its hash.

import type { Renaming } from './fingerprint.ts';
import { avalanche, type Hash, hashText } from './hashing.ts';
import type { InternedMessage, LocalState, LocalStates, Transition } from './local-states.ts';
import { type History, judge } from './safety.ts';
import type { Budget, Scenario } from './scenario.ts';

export interface ClusterState {
  readonly servers: readonly LocalState[];
  /** In flight, in no order. A message that is there twice may arrive twice. */
  readonly messages: readonly InternedMessage[];
  readonly history: History;
  readonly budget: Budget;
}

/** `state` after `event`; `violation` names the property that the event violates. */
export interface Successor {
  readonly event: () => string;
  readonly state: ClusterState;
  readonly violation: string | undefined;
}

/** Calls `visit` with every state after one event, always in the same order, until it returns false. */
export function expand(
  state: ClusterState,
  { scenario, locals }: { scenario: Scenario; locals: LocalStates },
  visit: (successor: Successor) => void,
): void {
  const { servers, messages, budget } = state;
  const take = (
    position: number,
    transition: Transition,
    rest: { messages: readonly InternedMessage[]; spent?: keyof Budget; event: () => string },
  ): void => visit(successorOf(state, { position, transition, ...rest }));

  messages.forEach((interned, at) => {
    // One of several equal messages stands for all.
    if (messages.indexOf(interned) !== at) return;
    const { message, id, text } = interned;
    const position = servers.findIndex(({ server }) => server === message.to);
    const to = servers[position];
    if (to === undefined) return;
    const others = messages.toSpliced(at, 1);
    const transition = locals.after(to, `deliver ${id}`, { kind: 'deliver', message });
    // A delivery without effect equals a loss, and a loss only removes possibilities: it leads to nothing
    // new.
    const isHeard =
      transition.next !== to || transition.sent.length > 0 || transition.violation !== undefined;
    if (isHeard) take(position, transition, { messages: others, event: () => `deliver    ${text}` });
    if (isHeard && budget.duplicates > 0) {
      take(position, transition, { messages, spent: 'duplicates', event: () => `duplicate  ${text}` });
    }
    if (budget.drops > 0) {
      const nothing = { next: to, sent: [], applied: [], violation: undefined };
      take(position, nothing, { messages: others, spent: 'drops', event: () => `drop       ${text}` });
    }
  });

  servers.forEach((local, position) => {
    const { server, isLeader, isWriting } = local;
    if (isWriting) {
      const written = locals.after(local, 'written', { kind: 'written' });
      take(position, written, { messages, event: () => `written    ${server}` });
    }
    if (budget.timeOuts > 0) {
      const timedOut = locals.after(local, 'time-out', { kind: 'time-out' });
      take(position, timedOut, { messages, spent: 'timeOuts', event: () => `time-out   ${server}` });
    }
    if (budget.crashes > 0) {
      for (const isKept of isWriting ? [false, true] : [false]) {
        const what = isWriting ? `, pending write ${isKept ? 'kept' : 'lost'}` : '';
        take(position, locals.afterCrash(local, isKept), {
          messages,
          spent: 'crashes',
          event: () => `crash      ${server}${what}`,
        });
      }
    }
    if (!isLeader) return;
    if (budget.proposals > 0) {
      const command = budget.proposals;
      const proposed = locals.after(local, `propose ${command}`, { kind: 'propose', command });
      take(position, proposed, { messages, spent: 'proposals', event: () => `propose    ${server}` });
    }
    const next = budget.changes > 0 ? scenario.nextConfiguration(local.configuration) : undefined;
    if (next === undefined) return;
    const changed = locals.after(local, 'change', { kind: 'change', configuration: next });
    if (changed.next === local) return;
    take(position, changed, { messages, spent: 'changes', event: () => `change     ${server}` });
  });
}

function successorOf(
  state: ClusterState,
  step: {
    position: number;
    transition: Transition;
    messages: readonly InternedMessage[];
    spent?: keyof Budget;
    event: () => string;
  },
): Successor {
  const { position, transition, messages, spent, event } = step;
  const before = state.servers[position] ?? transition.next;
  const servers = state.servers.with(position, transition.next);
  const judged = judge(state.history, { before, transition, cluster: servers });
  const isBroken = typeof judged === 'string';
  return {
    event,
    violation: isBroken ? judged : undefined,
    state: {
      servers,
      messages: transition.sent.length === 0 ? messages : [...messages, ...transition.sent],
      history: isBroken ? state.history : judged,
      budget: spent === undefined ? state.budget : { ...state.budget, [spent]: state.budget[spent] - 1 },
    },
  };
}

/** Hashes states alike that differ only in the names of servers: the least hash under all renamings. */
export class ClusterHasher {
  readonly #renamings: readonly Renaming[];
  readonly #histories = new Map<string, readonly Hash[]>();
  readonly #ofHistory = new WeakMap<History, readonly Hash[]>();

  constructor(renamings: readonly Renaming[]) {
    this.#renamings = renamings;
  }

  hash({ servers, messages, history, budget }: ClusterState): Hash {
    const { timeOuts, crashes, proposals, drops, duplicates, changes } = budget;
    const left = [timeOuts, crashes, proposals, drops, duplicates, changes].reduce(
      (sum, n) => sum * 31 + n,
      7,
    );
    const ofHistory = this.#historyHashes(history);
    let least: Hash | undefined;
    for (let which = 0; which < this.#renamings.length; which++) {
      // Sums are independent of the order of the messages.
      let high = (ofHistory[which]?.high ?? 0) + avalanche(left);
      let low = (ofHistory[which]?.low ?? 0) + left;
      for (const { hashes } of servers) {
        high += hashes[which]?.high ?? 0;
        low += hashes[which]?.low ?? 0;
      }
      for (const { hashes } of messages) {
        high += hashes[which]?.high ?? 0;
        low += hashes[which]?.low ?? 0;
      }
      const hash = { high: high >>> 0, low: avalanche(low) };
      if (
        least === undefined ||
        hash.high < least.high ||
        (hash.high === least.high && hash.low < least.low)
      ) {
        least = hash;
      }
    }
    return least ?? { high: 0, low: 0 };
  }

  #historyHashes(history: History): readonly Hash[] {
    const quick = this.#ofHistory.get(history);
    if (quick !== undefined) return quick;
    const key = JSON.stringify(history);
    const known = this.#histories.get(key);
    const hashes =
      known ??
      this.#renamings.map((name) => {
        const leaders = history.leaders.map((leader) => (leader === undefined ? '' : name(leader)));
        return hashText(`history ${JSON.stringify([leaders, renamedCommits(history)])}`);
      });
    this.#histories.set(key, hashes);
    this.#ofHistory.set(history, hashes);
    return hashes;
  }
}

/** Leaves out the names inside configurations: term and index already identify the entry. */
function renamedCommits({ committed }: History): unknown {
  return committed.map(({ entry, inTerm }) => [entry.includes('{') ? entry.split(':')[0] : entry, inTerm]);
}
