// Decides whether a history is linearizable: whether there is an order of the operations, consistent with
// real time, in which a sequential object gives every answer. The algorithm is that of Wing and Gong (1993)
// with the memoization of Lowe (2017): a set of linearized operations with the resulting state is tried once.

import { assert, present } from '../../src/shared/assert.ts';

export interface SequentialModel<State, Operation> {
  readonly initial: State;
  /** Returns the next state and the result for the caller, without side effects. */
  apply(state: State, operation: Operation): { readonly state: State; readonly result: string };
  /** Equal for equal states only. */
  keyOf(state: State): string;
}

export interface HistoryOperation<Operation> {
  readonly operation: Operation;
  /** A moment of real time. No two moments of a history are equal. */
  readonly invokedAt: number;
  /** Undefined for an unanswered operation: it may take effect at any time after `invokedAt`, or never. */
  readonly answer: { readonly at: number; readonly result: string } | undefined;
}

type Judgement =
  | { readonly kind: 'linearizable' }
  /** The longest order that was tried does not explain the answer of `stuckAt`. */
  | { readonly kind: 'not-linearizable'; readonly stuckAt: number; readonly explained: readonly number[] }
  /** Unknown after `maxSteps` tries. */
  | { readonly kind: 'undecided' };

/** A call or a return in the doubly linked list of unexplained operations. */
interface Node {
  readonly kind: 'call' | 'return' | 'head';
  readonly operation: number;
  readonly at: number;
  previous: Node | undefined;
  next: Node | undefined;
  /** The return of a call; undefined for an unanswered operation. */
  match: Node | undefined;
}

/** Judges a history in any order. The numbers of the judgement are positions in it. */
export function judge<State, Operation>(
  model: SequentialModel<State, Operation>,
  history: readonly HistoryOperation<Operation>[],
  maxSteps = 5_000_000,
): Judgement {
  return new Search(model, history).run(maxSteps);
}

class Search<State, Operation> {
  readonly #model: SequentialModel<State, Operation>;
  readonly #history: readonly HistoryOperation<Operation>[];
  readonly #head: Node;
  readonly #tried = new Set<string>();
  readonly #chosen: { readonly call: Node; readonly stateBefore: State }[] = [];
  #linearized = 0n;
  #state: State;
  /** Answered operations without a place in the order. */
  #left: number;
  #best: { stuckAt: number; explained: readonly number[] } = { stuckAt: -1, explained: [] };

  constructor(model: SequentialModel<State, Operation>, history: readonly HistoryOperation<Operation>[]) {
    this.#model = model;
    this.#history = history;
    this.#state = model.initial;
    this.#head = linked(history);
    this.#left = history.filter(({ answer }) => answer !== undefined).length;
  }

  run(maxSteps: number): Judgement {
    let node = this.#head.next;
    for (let steps = 0; this.#left > 0; steps += 1) {
      if (steps >= maxSteps) return { kind: 'undecided' };
      if (node === undefined || node.kind === 'return') {
        // Every operation that could precede this return was tried.
        if (node !== undefined) this.#noteStuck(node.operation);
        const last = this.#chosen.pop();
        if (last === undefined) return { kind: 'not-linearizable', ...this.#best };
        this.#undo(last);
        node = last.call.next;
      } else node = this.#tryNext(node) ? this.#head.next : node.next;
    }
    return { kind: 'linearizable' };
  }

  /**
   * Lets the operation of `call` take effect now, if it explains its answer and this was not tried before.
   */
  #tryNext(call: Node): boolean {
    const { operation, answer } = this.#operation(call);
    const { state, result } = this.#model.apply(this.#state, operation);
    if (answer !== undefined && answer.result !== result) return false;
    const linearized = this.#linearized | (1n << BigInt(call.operation));
    const key = `${linearized.toString(36)} ${this.#model.keyOf(state)}`;
    if (this.#tried.has(key)) return false;
    this.#tried.add(key);
    this.#chosen.push({ call, stateBefore: this.#state });
    this.#linearized = linearized;
    this.#state = state;
    if (answer !== undefined) this.#left -= 1;
    unlink(call);
    if (call.match !== undefined) unlink(call.match);
    return true;
  }

  #undo({ call, stateBefore }: { call: Node; stateBefore: State }): void {
    if (call.match !== undefined) relink(call.match);
    relink(call);
    this.#linearized &= ~(1n << BigInt(call.operation));
    this.#state = stateBefore;
    if (this.#operation(call).answer !== undefined) this.#left += 1;
  }

  #noteStuck(operation: number): void {
    if (this.#best.stuckAt !== -1 && this.#chosen.length < this.#best.explained.length) return;
    this.#best = { stuckAt: operation, explained: this.#chosen.map(({ call }) => call.operation) };
  }

  #operation(node: Node): HistoryOperation<Operation> {
    return present(this.#history[node.operation], 'every node belongs to an operation');
  }
}

/** Links calls and returns in the order of real time, after a head. */
function linked(history: readonly HistoryOperation<unknown>[]): Node {
  const nodes: Node[] = [];
  for (const [operation, { invokedAt, answer }] of history.entries()) {
    const call: Node = bare('call', operation, invokedAt);
    nodes.push(call);
    if (answer === undefined) continue;
    assert(answer.at > invokedAt, 'an answer follows its invocation');
    call.match = bare('return', operation, answer.at);
    nodes.push(call.match);
  }
  nodes.sort((a, b) => a.at - b.at);
  const head = bare('head', -1, Number.NEGATIVE_INFINITY);
  let last = head;
  for (const node of nodes) {
    last.next = node;
    node.previous = last;
    last = node;
  }
  return head;
}

function bare(kind: Node['kind'], operation: number, at: number): Node {
  return { kind, operation, at, previous: undefined, next: undefined, match: undefined };
}

function unlink(node: Node): void {
  if (node.previous !== undefined) node.previous.next = node.next;
  if (node.next !== undefined) node.next.previous = node.previous;
}

/** Nodes are relinked in the reverse order of their removal, so their neighbours are correct. */
function relink(node: Node): void {
  if (node.previous !== undefined) node.previous.next = node;
  if (node.next !== undefined) node.next.previous = node;
}
