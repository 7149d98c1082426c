// The order in which nodes are asked: the one that answered last comes first.

export class NodeOrder {
  readonly #nodes: readonly string[];
  #preferred = 0;

  /** Throws a TypeError when `nodes` is empty or an address is no http or https URL. */
  constructor(nodes: readonly string[]) {
    if (nodes.length === 0) throw new TypeError('give the address of at least one node, as http://host:port');
    this.#nodes = nodes.map(baseOf);
  }

  get count(): number {
    return this.#nodes.length;
  }

  /** The base URL of the preferred node. */
  get current(): string {
    return this.#nodes[this.#preferred] ?? '';
  }

  /** Prefers the next node, unless another call has moved away from `failed` already. */
  moveFrom(failed: string): void {
    if (this.current === failed) this.#preferred = (this.#preferred + 1) % this.#nodes.length;
  }
}

function baseOf(node: string): string {
  const url = URL.canParse(node) ? new URL(node) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new TypeError(`${node} is not the address of a node: write it as http://host:port`);
  }
  return url.href.replace(/\/+$/, '');
}
