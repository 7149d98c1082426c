// Fuzzes the HTTP API of a real node: batches of requests on several connections, with a check of the farm
// after each.

import fc from 'fast-check';
import { checkAsyncProperty } from './check-property.ts';
import { PREFIX } from './http-bodies.ts';
import { awkwardCases, type HttpCase, PROLOGUE, plainCases } from './http-cases.ts';
import { exchange } from './http-exchange.ts';
import { HttpFarm } from './http-farm.ts';
import { framingCases } from './http-framing.ts';
import { HttpModel, type SentRequest } from './http-model.ts';
import type { Idea, Round } from './idea.ts';
import { SlowClients } from './slow-clients.ts';
import type { Tally } from './tally.ts';
import { WatchedCluster } from './watched-cluster.ts';

/** Well-formed requests that are sent at once on one connection. */
const MAX_PIPELINED = 16;
const MAX_PIPELINED_SPOILT = 5;
const CONNECTIONS_AT_ONCE = 8;
const PLAIN_CASES = 80;
const AWKWARD_CASES = 10;
/** The mean; the awkward cases of a batch vary from none to twice their mean. */
const CASES_A_BATCH = PLAIN_CASES + AWKWARD_CASES;

interface Session {
  readonly cluster: WatchedCluster;
  readonly model: HttpModel;
  readonly farm: HttpFarm;
  readonly slow: SlowClients;
  /** Unanswered requests since the last check of the whole farm. */
  requests: SentRequest[];
}

const batches = fc.record({
  plain: fc.array(plainCases, { minLength: PLAIN_CASES, maxLength: PLAIN_CASES }),
  awkward: fc.array(fc.oneof(awkwardCases, framingCases), {
    minLength: 0,
    maxLength: 2 * AWKWARD_CASES,
    size: 'max',
  }),
});
const shrinkable = batches.map(({ plain, awkward }) => [...plain, ...awkward]);

class HttpIdea implements Idea {
  readonly target = 'http';
  readonly name = 'api';
  readonly weight = 20;
  readonly roundCases = 20 * CASES_A_BATCH;
  #session: Session | undefined;
  #batches = 0;

  async run({ seed, cases, tally }: Round): Promise<void> {
    const runs = Math.max(1, Math.round(cases / CASES_A_BATCH));
    try {
      await checkAsyncProperty({ seed, runs, arbitrary: shrinkable }, (batch) =>
        this.#runBatch(batch, tally),
      );
      const session = await this.#started();
      await session.farm.checkWhole(session.requests);
      session.requests = [];
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async finish(tally: Tally): Promise<void> {
    const session = await this.#started();
    await session.slow.finish(tally);
    session.cluster.checkLogs();
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    session?.slow.close();
    await session?.cluster.close();
  }

  async #started(): Promise<Session> {
    if (this.#session !== undefined) return this.#session;
    const cluster = await WatchedCluster.start(1);
    const model = new HttpModel();
    const farm = new HttpFarm(cluster.first, model);
    const slow = new SlowClients(cluster.first.settings.httpPort);
    this.#session = { cluster, model, farm, slow, requests: [] };
    return this.#session;
  }

  async #runBatch(batch: readonly HttpCase[], tally: Tally): Promise<void> {
    const session = await this.#started();
    this.#batches += 1;
    const prefix = `b${String(this.#batches).padStart(PREFIX.length - 1, '0')}`;
    const groups = grouped(batch);
    const requests: SentRequest[] = [];
    const port = session.cluster.first.settings.httpPort;
    try {
      await session.slow.step(tally);
      for (const group of PROLOGUE) requests.push(...(await runGroup(port, { group, prefix, tally })));
      await inParallel(CONNECTIONS_AT_ONCE, groups, async (group) => {
        requests.push(...(await runGroup(port, { group, prefix, tally })));
      });
      session.model.learn(requests);
      session.requests.push(...requests.filter(({ answer }) => answer === undefined));
      await session.farm.checkBatch(prefix, requests);
      await session.cluster.check(tally);
    } catch (error) {
      // The farm may differ from the model now: the next attempt begins with a new farm.
      await this.close();
      throw error;
    }
  }
}

/** Sends a group of requests on one connection, and returns each with its answer. */
async function runGroup(
  port: number,
  { group, prefix, tally }: { group: readonly HttpCase[]; prefix: string; tally: Tally },
): Promise<SentRequest[]> {
  const [first] = group;
  if (first === undefined) return [];
  const sent = group.map(({ bytes }) => withPrefix(bytes, prefix));
  const methods = group.map(({ method }) => method);
  const { answers, wasSentWhole } = await exchange(port, {
    bytes: Buffer.concat(sent),
    methods,
    delivery: first.delivery,
  });
  const requests: SentRequest[] = [];
  for (const [at, one] of group.entries()) {
    const answer = answers[at];
    const outcome = answer === undefined ? 'no answer' : String(answer.status);
    tally.count('http', { idea: 'api', kind: one.kind, outcome });
    if (answer === undefined && !wasSentWhole) continue;
    requests.push({
      bytes: sent[at] ?? one.bytes,
      body: one.body,
      bodyText: one.body?.text.replaceAll(PREFIX, prefix),
      key: one.key?.replaceAll(PREFIX, prefix),
      answer,
    });
  }
  // Damaged bytes may be several requests.
  for (const answer of answers.slice(group.length)) {
    tally.count('http', { idea: 'api', kind: 'one more answer', outcome: String(answer.status) });
    requests.push({ bytes: first.bytes, body: undefined, bodyText: undefined, key: undefined, answer });
  }
  return requests;
}

function grouped(batch: readonly HttpCase[]): HttpCase[][] {
  const groups: HttpCase[][] = [];
  const plain = batch.filter(({ isPlain }) => isPlain);
  // After a body that is not JSON the node closes the connection: later requests on it are not answered.
  const [spoilt, right] = [plain.filter(isSpoilt), plain.filter((one) => !isSpoilt(one))];
  for (const [list, size] of [
    [right, MAX_PIPELINED],
    [spoilt, MAX_PIPELINED_SPOILT],
  ] as const) {
    for (let at = 0; at < list.length; at += size) groups.push(list.slice(at, at + size));
  }
  for (const one of batch) if (!one.isPlain) groups.push([one]);
  return groups;
}

function isSpoilt({ body }: HttpCase): boolean {
  return body?.isValid === false;
}

const PREFIX_BYTES = Buffer.from(PREFIX);

function withPrefix(bytes: Uint8Array, prefix: string): Uint8Array {
  const copy = Buffer.from(bytes);
  for (let at = copy.indexOf(PREFIX_BYTES); at !== -1; at = copy.indexOf(PREFIX_BYTES, at + 1)) {
    copy.write(prefix, at, 'latin1');
  }
  return copy;
}

async function inParallel<T>(
  count: number,
  items: readonly T[],
  run: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await run(item);
  };
  await Promise.all(Array.from({ length: count }, work));
}

export const httpIdea: Idea = new HttpIdea();
