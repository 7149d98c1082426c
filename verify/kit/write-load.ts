// A steady load of writes and reads that records which writes were acknowledged.

import { postPrinter } from './farm-client.ts';
import type { NodeProcess } from './node-process.ts';

const WRITERS = 6;

/**
 * Writers add printers through all nodes in turn and never retry: each id is sent once. A reader lists the
 * printers with linearizable reads, through all nodes in turn.
 */
export class WriteLoad {
  /** Ids with a received 201. */
  readonly acknowledged: string[] = [];
  readonly sent = new Set<string>();
  /** Number of other answers by status; 0 stands for no answer. */
  readonly refusals = new Map<number, number>();
  /** Reads that missed a printer of an earlier read or of a write acknowledged before. */
  readonly wrongReads: string[] = [];
  readonly #nodes: readonly NodeProcess[];
  readonly #loops: Promise<void>[];
  #stopped = false;
  #count = 0;

  constructor(nodes: readonly NodeProcess[]) {
    this.#nodes = nodes;
    this.#loops = Array.from({ length: WRITERS }, () => this.#write());
    this.#loops.push(this.#read());
  }

  /** Resolves when the last answer has arrived. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  #node(count: number): NodeProcess {
    return this.#nodes[count % this.#nodes.length] as NodeProcess;
  }

  async #write(): Promise<void> {
    while (!this.#stopped) {
      this.#count += 1;
      const id = `load-${this.#count}`;
      this.sent.add(id);
      const status = await postPrinter(this.#node(this.#count), id).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 201) this.acknowledged.push(id);
      else this.refusals.set(status, (this.refusals.get(status) ?? 0) + 1);
    }
  }

  async #read(): Promise<void> {
    let seen: readonly string[] = [];
    for (let count = 0; !this.#stopped; count++) {
      const before = [...this.acknowledged];
      const ids = await readIds(this.#node(count));
      // No quorum, or a node that is down.
      if (ids === undefined) continue;
      const present = new Set(ids);
      const lost = [...seen, ...before].filter((id) => !present.has(id));
      if (lost.length > 0) this.wrongReads.push(`read ${count} misses ${lost.join(', ')}`);
      seen = ids;
    }
  }
}

/** Lists printers by one linearizable read, without a retry. Returns undefined for any answer but a list. */
async function readIds(node: NodeProcess): Promise<string[] | undefined> {
  const answer = await node.request('/api/v1/printers').catch(() => undefined);
  return answer?.status === 200 ? (answer.body as { id: string }[]).map(({ id }) => id) : undefined;
}
