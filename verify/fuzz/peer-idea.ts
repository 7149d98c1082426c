// Sends lies to the Raft ports of a real cluster of three. They must have no effect, and the cluster must go
// on.

import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { FrameDecoder } from '../../src/engines/raft/codec/frame.ts';
import { decodeHelloAnswer } from '../../src/engines/raft/transport/hello.ts';
import type { NodeProcess, NodeStatus } from '../kit/node-process.ts';
import { checkAsyncProperty } from './check-property.ts';
import { Finding, type Idea, type Round } from './idea.ts';
import { bytesOf, type Lie, lies, mustBeRefused, type Victim } from './peer-lies.ts';
import type { Tally } from './tally.ts';
import { WatchedCluster } from './watched-cluster.ts';

const LIES_A_BATCH = 20;
const CONNECTIONS_AT_ONCE = 5;
/** After its last byte, the liar waits this long for an answer before it ends the connection. */
const LISTEN_MS = 30;
/** The number of last writes that are read after each write. */
const PAGE_WRITES = 1_000;
const END_TIMEOUT_MS = 15_000;
/**
 * A long election timeout: a liar that claims to be a member replaces that member's connection for a moment.
 */
const FLAGS = [
  '-election-timeout',
  '10s',
  '-heartbeat',
  '50ms',
  '-file-level',
  'warn',
  '-remove-dead-after',
  '0',
];

const batches = fc.array(fc.tuple(fc.nat({ max: 2 }), lies), {
  minLength: 1,
  maxLength: 2 * LIES_A_BATCH,
  size: 'max',
});

class PeerIdea implements Idea {
  readonly target = 'transport';
  readonly name = 'peers';
  readonly weight = 1.5;
  readonly roundCases = 20 * LIES_A_BATCH;
  #cluster: WatchedCluster | undefined;
  #writes = 0;

  async run({ seed, cases, tally }: Round): Promise<void> {
    const runs = Math.max(1, Math.round(cases / LIES_A_BATCH));
    await checkAsyncProperty({ seed, runs, arbitrary: batches }, async (batch) => {
      try {
        await this.#runBatch(batch, tally);
      } catch (error) {
        await this.close();
        throw error;
      }
    });
  }

  async finish(): Promise<void> {
    this.#cluster?.checkLogs();
  }

  async close(): Promise<void> {
    const cluster = this.#cluster;
    this.#cluster = undefined;
    this.#writes = 0;
    await cluster?.close();
  }

  async #runBatch(batch: readonly (readonly [number, Lie])[], tally: Tally): Promise<void> {
    this.#cluster ??= await WatchedCluster.start(3, FLAGS);
    const { nodes } = this.#cluster;
    const before = await settled(nodes);
    const victims = nodes.map((node, at) => victimOf(node, before, at));
    let next = 0;
    const work = async (): Promise<void> => {
      for (let one = batch[next++]; one !== undefined; one = batch[next++]) {
        const [at, lie] = one;
        const [node, victim] = [nodes[at], victims[at]];
        if (node === undefined || victim === undefined) continue;
        const outcome = await tell(node, lie, bytesOf(lie, victim));
        tally.count('transport', { idea: 'peers', kind: `${lie.claim}, ${lie.hello} hello`, outcome });
        if (outcome === 'let in' && mustBeRefused(lie)) throw new Finding('a liar was let in');
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS_AT_ONCE }, work));
    await this.#cluster.check(tally);
    const after = await settled(nodes);
    for (const [at, status] of after.entries()) compare(before[at], status);
    await this.#write(nodes, tally);
  }

  /**
   * Writes through each node in turn: the cluster must acknowledge the write, and every node must have it.
   */
  async #write(nodes: readonly NodeProcess[], tally: Tally): Promise<void> {
    const id = writeId(++this.#writes);
    const read = Math.min(this.#writes, PAGE_WRITES);
    const page = `/api/v1/printers?after=${writeId(this.#writes - read)}&limit=${PAGE_WRITES}`;
    const asked = nodes[this.#writes % nodes.length];
    const answer = await asked?.request('/api/v1/printers', { body: { id, company: 'a', model: 'b' } });
    if (answer?.status !== 201)
      throw new Finding(
        `a write between lies was answered with ${answer?.status}: ${JSON.stringify(answer?.body)}`,
      );
    for (const node of nodes) {
      const { status, body } = await node.request(page);
      if (status !== 200)
        throw new Finding(`a read between lies was answered with ${status}: ${JSON.stringify(body)}`);
      const known = (body as { id: string }[]).map((row) => row.id);
      if (!known.includes(id)) throw new Finding(`${node.id} lacks a write that was acknowledged`);
      if (known.length !== read)
        throw new Finding(`${node.id} has ${known.length} of the last ${read} writes`);
    }
    tally.note('writes acknowledged between lies');
  }
}

/** Returns ids in the order of the numbers. */
function writeId(number: number): string {
  return `w${String(number).padStart(9, '0')}`;
}

/** Waits until every node has applied all entries, and returns the statuses. */
async function settled(nodes: readonly NodeProcess[]): Promise<NodeStatus[]> {
  const deadline = performance.now() + END_TIMEOUT_MS;
  for (;;) {
    const statuses = await Promise.all(nodes.map((node) => node.status()));
    const [first] = statuses;
    const isSettled = statuses.every(
      (status) =>
        status !== undefined &&
        status.applied_index === status.last_log_index &&
        status.last_log_index === first?.last_log_index,
    );
    if (isSettled) return statuses as NodeStatus[];
    if (performance.now() > deadline)
      throw new Finding(`the nodes do not agree: ${JSON.stringify(statuses)}`);
    await sleep(5);
  }
}

function victimOf(node: NodeProcess, statuses: readonly NodeStatus[], at: number): Victim {
  const status = statuses[at] as NodeStatus & { readonly cluster_id: string };
  const own = status.nodes.find(({ id }) => id === node.id);
  const other = status.nodes.find(({ id }) => id !== node.id);
  return {
    server: own?.server ?? '',
    member: other?.server ?? '',
    clusterId: status.cluster_id,
    term: status.term,
    commitIndex: status.commit_index,
  };
}

/** Checks that the lies have changed nothing. */
function compare(before: NodeStatus | undefined, after: NodeStatus): void {
  const parts = (status: NodeStatus | undefined) =>
    JSON.stringify([
      ...[status?.term, status?.leader_id, status?.state, status?.commit_index, status?.last_log_index],
      status?.nodes.map(({ server, role, raft_addr }) => [server, role, raft_addr]),
    ]);
  if (parts(before) !== parts(after)) {
    throw new Finding(`lies had an effect: ${parts(before)} became ${parts(after)}`);
  }
}

/** Sends a lie, waits for an answer and ends the connection. */
function tell(node: NodeProcess, lie: Lie, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: '127.0.0.1', port: node.settings.raftPort, allowHalfOpen: true });
    const decoder = new FrameDecoder();
    let outcome = 'closed without an answer';
    socket.on('data', (chunk) => {
      if (outcome !== 'closed without an answer') return;
      try {
        decoder.push(chunk);
        const frame = decoder.next();
        if (frame !== undefined) outcome = describe(frame);
      } catch (cause) {
        reject(new Finding('the node answered with bytes that are no frame', { cause }));
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(outcome));
    socket.on('connect', () => void say(socket, lie, bytes));
    setTimeout(() => socket.destroy(), END_TIMEOUT_MS).unref();
  });
}

function describe(frame: Uint8Array): string {
  const answer = decodeHelloAnswer(frame);
  return answer.kind === 'accepted' ? 'let in' : answer.reason;
}

async function say(socket: net.Socket, { pieceBytes, ending }: Lie, bytes: Uint8Array): Promise<void> {
  const length = pieceBytes === 0 ? bytes.length : Math.max(pieceBytes, Math.ceil(bytes.length / 20));
  for (let at = 0; at < bytes.length && !socket.destroyed; at += length) {
    socket.write(bytes.subarray(at, at + length));
    if (pieceBytes > 0) await sleep(2);
  }
  await sleep(LISTEN_MS);
  if (ending === 'cut') socket.resetAndDestroy();
  else socket.end();
  // Half-open: our side is closed, and the node must close its own. Other endings do not wait for it.
  if (ending === 'close') setTimeout(() => socket.destroy(), LISTEN_MS);
}

export const peerIdea: Idea = new PeerIdea();
