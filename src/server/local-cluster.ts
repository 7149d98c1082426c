// The program of `npm start`: three nodes on this machine, each a process, which Ctrl-C stops together.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeDirectory } from '../engines/raft/storage/make-directory.ts';
import { asError, CodedError } from '../shared/coded-error.ts';
import {
  LOCAL_HOST,
  type LocalClusterPlan,
  type LocalNode,
  nodeArguments,
  planLocalCluster,
} from './local-cluster-plan.ts';
import { NODE_FLAGS } from './node-flags.ts';

const MAIN = path.join(import.meta.dirname, 'main.js');
const FORMING_PATIENCE_MS = 60_000;
const POLL_MS = 100;
const POLL_TIMEOUT_MS = 1_000;
/** A node that needs longer to hand over and close its files is killed. */
const STOP_PATIENCE_MS = 15_000;
/** One Ctrl-C arrives twice within this time: from the terminal, and from npm, which passes it on. */
const SAME_SIGNAL_MS = 1_000;
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

interface RunningNode {
  readonly node: LocalNode;
  readonly child: ChildProcess;
  /** Settles when the process has ended. */
  readonly ended: Promise<unknown>;
}

/** The fields of `GET /cluster/status` that this program reads. */
interface ClusterStatus {
  readonly leader_id?: string | null;
  readonly nodes?: readonly { readonly id: string; readonly role: string }[];
}

process.exitCode = await run(planLocalCluster(process.env)).catch((error: unknown) => {
  if (!(error instanceof CodedError)) throw error;
  console.error(`raft3d: ${error.message}`);
  return 1;
});

/** Returns the exit code: 0 when all nodes ran and then stopped as asked. */
async function run(plan: LocalClusterPlan): Promise<number> {
  makeDirectories(plan);
  await checkPorts(plan);

  const running = plan.nodes.map((node) => startNode(plan, node));
  // No node outlives this process.
  process.on('exit', () => killAll(running));
  const stop = stopSignal(() => killAll(running));

  const formed = await waitUntilFormed(plan, running, stop);
  if (formed !== undefined) {
    fs.writeFileSync(plan.formedMarker, '');
    console.log(introduction(plan, running, formed));
    await watch(running, stop);
  }
  const asked = stop.aborted;
  if (asked) console.log('\nstopping the nodes ...');
  const clean = await stopAll(running);
  if (asked && clean) console.log('all nodes have stopped; `npm start` goes on with their data');
  return asked && clean ? 0 : 1;
}

/** Returns a signal that the first request to stop aborts. A later request calls `onImpatience`. */
function stopSignal(onImpatience: () => void): AbortSignal {
  const request = new AbortController();
  let impatientAfter = 0;
  const onSignal = (): void => {
    if (!request.signal.aborted) {
      impatientAfter = Date.now() + SAME_SIGNAL_MS;
      request.abort();
    } else if (Date.now() > impatientAfter) onImpatience();
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  return request.signal;
}

function makeDirectories(plan: LocalClusterPlan): void {
  for (const directory of [plan.data, plan.logs]) {
    try {
      makeDirectory(directory);
      fs.accessSync(directory, fs.constants.W_OK | fs.constants.X_OK);
    } catch (cause) {
      const message = `cannot write in ${path.resolve(directory)}: ${asError(cause).message}`;
      throw new CodedError('directory_unusable', message, { cause });
    }
  }
}

async function checkPorts(plan: LocalClusterPlan): Promise<void> {
  const ports = plan.nodes.flatMap(({ httpPort, raftPort }) => [httpPort, raftPort]);
  const free = await Promise.all(ports.map(isFree));
  const taken = ports.filter((_, at) => !free[at]);
  if (taken.length > 0) {
    throw new CodedError(
      'port_in_use',
      `port ${taken.join(', ')} on ${LOCAL_HOST} is in use: stop the program that listens there, or choose other ports with RAFT3D_HTTP_PORT and RAFT3D_RAFT_PORT`,
    );
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, LOCAL_HOST, () => probe.close(() => resolve(true)));
  });
}

function startNode(plan: LocalClusterPlan, node: LocalNode): RunningNode {
  const formed = fs.existsSync(plan.formedMarker);
  const child = spawn(process.execPath, [...NODE_FLAGS, MAIN, ...nodeArguments(plan, node, { formed })], {
    stdio: ['ignore', 'inherit', 'inherit'],
    // In a process group of its own: Ctrl-C must reach this program alone, which stops the nodes in order.
    detached: true,
  });
  // An error means that the process could not be started.
  return { node, child, ended: once(child, 'exit').catch(() => undefined) };
}

/** The leader's id once every node sees it and all are voters; undefined after a failure or a stop. */
async function waitUntilFormed(
  plan: LocalClusterPlan,
  running: readonly RunningNode[],
  stop: AbortSignal,
): Promise<string | undefined> {
  const ids = plan.nodes.map(({ id }) => id);
  const deadline = Date.now() + FORMING_PATIENCE_MS;
  while (!stop.aborted) {
    const dead = running.find(
      ({ child }) => child.pid === undefined || child.exitCode !== null || child.signalCode !== null,
    );
    if (dead !== undefined) {
      const logFile = path.join(plan.logs, `${dead.node.id}.log`);
      console.error(`raft3d: ${describeEnd(dead)}; stopping the others. See its log: ${logFile}`);
      return undefined;
    }
    const statuses = await Promise.all(plan.nodes.map(fetchStatus));
    const leader = statuses[0]?.leader_id ?? undefined;
    if (leader && statuses.every((status) => status?.leader_id === leader && areVoters(status, ids))) {
      return leader;
    }
    if (Date.now() > deadline) {
      console.error(
        `raft3d: the nodes formed no cluster within ${FORMING_PATIENCE_MS / 1_000} s; see ${plan.logs}`,
      );
      return undefined;
    }
    await sleep(POLL_MS);
  }
  return undefined;
}

function areVoters(status: ClusterStatus, ids: readonly string[]): boolean {
  return ids.every((id) => status.nodes?.some((node) => node.id === id && node.role === 'voter'));
}

async function fetchStatus(node: LocalNode): Promise<ClusterStatus | undefined> {
  try {
    const signal = AbortSignal.timeout(POLL_TIMEOUT_MS);
    const response = await fetch(`${url(node)}/cluster/status`, { signal });
    return (await response.json()) as ClusterStatus;
  } catch {
    // The node does not listen yet or is busy: the next poll asks again until the deadline of the caller.
    return undefined;
  }
}

/** Resolves at the request to stop, or when no node is left. Reports each node that ends before that. */
async function watch(running: readonly RunningNode[], stop: AbortSignal): Promise<void> {
  const ends = running.map(async (one) => {
    await one.ended;
    if (stop.aborted) return;
    const command = `./raft3d ${one.child.spawnargs.slice(2).join(' ')}`;
    console.error(`raft3d: ${describeEnd(one)}; start it again in another terminal with\n  ${command}`);
  });
  const allEnded = Promise.all(ends).then(() => {
    if (!stop.aborted) console.error('raft3d: no node is left');
  });
  if (!stop.aborted) await Promise.race([once(stop, 'abort'), allEnded]);
}

/** Returns true when every node that was still running stopped as asked. */
async function stopAll(running: readonly RunningNode[]): Promise<boolean> {
  const asked = running.filter(({ child }) => child.kill('SIGTERM'));
  const killer = setTimeout(() => killAll(asked), STOP_PATIENCE_MS);
  await Promise.all(asked.map(({ ended }) => ended));
  clearTimeout(killer);
  const unclean = asked.filter(({ child }) => child.exitCode !== 0);
  for (const one of unclean) console.error(`raft3d: ${describeEnd(one)} instead of stopping`);
  return unclean.length === 0;
}

function killAll(running: readonly RunningNode[]): void {
  for (const { child } of running) child.kill('SIGKILL');
}

function describeEnd({ node, child }: RunningNode): string {
  if (child.signalCode !== null) return `${node.id} was ended by ${child.signalCode}`;
  return `${node.id} ended with exit code ${child.exitCode ?? 'unknown'}`;
}

function introduction(plan: LocalClusterPlan, running: readonly RunningNode[], leader: string): string {
  const [first, , last] = plan.nodes;
  if (first === undefined || last === undefined) return '';
  const rows = running.map(({ node, child }) => {
    const role = node.id === leader ? 'leader' : 'follower';
    return `  ${node.id}  ${url(node)}  raft ${LOCAL_HOST}:${node.raftPort}  pid ${child.pid}  ${role}`;
  });
  return `
Raft3D is up: three voters, ${leader} leads. Data in ${plan.data}, logs in ${plan.logs}.

${rows.join('\n')}

Try next, in another terminal:

  curl ${url(first)}/cluster/status
  curl -X POST -H "Content-Type: application/json" -d '{"id":"printer1","company":"Prusa","model":"MK3S+"}' ${url(last)}/api/v1/printers
  curl ${url(first)}/api/v1/printers
  kill -9 ${running.find(({ node }) => node.id === leader)?.child.pid}    # the leader: the others elect a new one, and no write is lost

Ctrl-C stops all three.
`;
}

function url(node: LocalNode): string {
  return `http://${LOCAL_HOST}:${node.httpPort}`;
}
