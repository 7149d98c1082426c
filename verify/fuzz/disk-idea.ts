// Damages a data file of a real node. The rows must be read as they were written, or the damage must be
// reported.

import { type ChildProcess, fork } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NodeProcess } from '../kit/node-process.ts';
import { coarseDamages, type DiskDamage, flipOf, PAGE_BYTES } from './disk-damage.ts';
import { FILES, type WorkOrder, type WorkResult } from './disk-worker.ts';
import { Finding, type Idea, type Round } from './idea.ts';
import type { Tally } from './tally.ts';
import { WatchedCluster } from './watched-cluster.ts';

const WORKER = fileURLToPath(new URL('./disk-worker.ts', import.meta.url));
/** A batch takes a few seconds. A case that hangs is a finding. */
const BATCH_TIMEOUT_MS = 60_000;
/** LMDB keeps some memory of every file that it opened, so the process is replaced after this many cases. */
const CASES_A_PROCESS = 4_000;
const BATCH_CASES = 1_000;

class DiskIdea implements Idea {
  readonly target = 'disk';
  readonly name = 'data-file';
  readonly weight = 11;
  readonly roundCases = BATCH_CASES;
  #directory: string | undefined;
  #fileBytes = 0;
  #worker: ChildProcess | undefined;
  #workerCases = 0;
  #coarse: DiskDamage[] = [];
  #nextFlip = 0;

  async run({ seed, cases, tally }: Round): Promise<void> {
    if (this.#directory === undefined) {
      await this.#prepare(tally);
      // The seed sets where the first pass begins; a pass covers every position.
      this.#nextFlip = seed % this.#fileBytes;
      this.#coarse = [...coarseDamages(this.#fileBytes)];
    }
    for (let left = cases; left > 0; left -= BATCH_CASES)
      await this.#runBatch(Math.min(left, BATCH_CASES), tally);
  }

  async finish(tally: Tally): Promise<void> {
    tally.note('bytes of the data file that was damaged', this.#fileBytes);
  }

  async close(): Promise<void> {
    this.#worker?.kill('SIGKILL');
    if (this.#directory !== undefined) fs.rmSync(this.#directory, { recursive: true, force: true });
    this.#directory = undefined;
  }

  /** Returns the next damages: half of them are not flips, as long as there are others. */
  #nextDamages(count: number): DiskDamage[] {
    const coarse = this.#coarse.splice(0, Math.floor(count / 2));
    const flips = Array.from({ length: count - coarse.length }, () =>
      flipOf(this.#nextFlip++, this.#fileBytes),
    );
    return [...coarse, ...flips];
  }

  async #runBatch(count: number, tally: Tally): Promise<void> {
    const directory = this.#directory ?? '';
    const damages = this.#nextDamages(count);
    const result = await this.#work({ directory, damages });
    if (result.kind === 'found') throw new Finding(`${JSON.stringify(result.damage)}: ${result.message}`);
    for (const [at, outcome] of result.outcomes.entries()) {
      tally.count('disk', { idea: 'data-file', kind: damages[at]?.kind ?? '', outcome });
    }
  }

  #work(order: WorkOrder): Promise<WorkResult> {
    if (this.#workerCases >= CASES_A_PROCESS) {
      this.#worker?.kill('SIGKILL');
      this.#worker = undefined;
      this.#workerCases = 0;
    }
    this.#worker ??= fork(WORKER, {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.#workerCases += order.damages.length;
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      let complaints = '';
      worker.stderr?.setEncoding('utf8').on('data', (text: string) => {
        complaints = (complaints + text).slice(-2_000);
      });
      const fail = (what: string): void => {
        clearTimeout(timer);
        this.#worker = undefined;
        worker.kill('SIGKILL');
        reject(new Finding(`${what} at ${JSON.stringify(lastOf(order))} ${complaints}`));
      };
      const timer = setTimeout(() => fail('the check does not end'), BATCH_TIMEOUT_MS);
      const onEnd = (code: number | null, signal: string | null): void =>
        fail(`the process ended (${signal ?? code})`);
      worker.once('exit', onEnd);
      worker.once('message', (result: WorkResult) => {
        clearTimeout(timer);
        worker.off('exit', onEnd);
        worker.stderr?.removeAllListeners('data');
        resolve(result);
      });
      worker.send(order);
    });
  }

  /** Lets a node write and stop several times, and keeps the data files of the first and the last stop. */
  async #prepare(tally: Tally): Promise<void> {
    this.#directory = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-fuzz-disk-'));
    const cluster = await WatchedCluster.start(1, ['-compact-after', '100']);
    try {
      const node = cluster.first;
      // The states are some transactions apart: from the data file alone, the state before the last one looks
      // whole.
      for (const [name, prefix] of [
        [FILES.before, 'a'],
        [FILES.between, 'b'],
        [FILES.between, 'c'],
        [FILES.now, 'd'],
      ] as const) {
        await writeSome(node, prefix);
        await node.stop();
        const data = path.join(node.dataDirectory, 'data.mdb');
        fs.copyFileSync(data, path.join(this.#directory, name));
        node.start();
        await cluster.isReady();
      }
    } finally {
      await cluster.close();
    }
    this.#fileBytes = fs.statSync(path.join(this.#directory, FILES.now)).size;
    if (this.#fileBytes % PAGE_BYTES !== 0) throw new Error('a data file has whole pages');
    tally.note('data files made by a real node');
  }
}

function lastOf({ directory, damages }: WorkOrder): DiskDamage | undefined {
  return damages[Number(fs.readFileSync(path.join(directory, FILES.progress), 'utf8'))];
}

/** Writes some of each resource, with a path long enough for its own page. */
async function writeSome(node: NodeProcess, prefix: string): Promise<void> {
  const posts: [string, object][] = [
    ['printers', { id: `${prefix}p`, company: 'Prusa', model: 'MK4' }],
    ['filaments', { id: `${prefix}f`, type: 'PLA', color: 'Red', total_weight_in_grams: 1_000 }],
    ...[1, 2, 3].map((number): [string, object] => [
      'print_jobs',
      {
        id: `${prefix}${number}`,
        printer_id: `${prefix}p`,
        filament_id: `${prefix}f`,
        filepath: 'x'.repeat(number * 1_300),
        print_weight_in_grams: 10,
      },
    ]),
  ];
  for (const [collection, body] of posts) {
    const headers = { 'idempotency-key': `${prefix}-${collection}` };
    const { status } = await node.request(`/api/v1/${collection}`, {
      body,
      ...(collection !== 'print_jobs' && { headers }),
    });
    if (status !== 201) throw new Error(`a write for the data file was answered with ${status}`);
  }
}

export const diskIdea: Idea = new DiskIdea();
