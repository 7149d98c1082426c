// The plan of `npm start`: three nodes on this machine, with their ports, directories and command lines.

import path from 'node:path';
import { CodedError } from '../shared/coded-error.ts';

export interface LocalNode {
  readonly id: string;
  readonly httpPort: number;
  readonly raftPort: number;
}

export interface LocalClusterPlan {
  readonly nodes: readonly LocalNode[];
  readonly data: string;
  readonly logs: string;
  /**
   * A file that exists once all nodes are members. From then on node1 joins like the others: it must not
   * start a second cluster after the loss of its files.
   */
  readonly formedMarker: string;
}

export const LOCAL_HOST = '127.0.0.1';
const NODE_COUNT = 3;
const MAX_PORT = 65_535;

/** Reads RAFT3D_DATA, RAFT3D_LOGS, RAFT3D_HTTP_PORT and RAFT3D_RAFT_PORT (each the first of three). */
export function planLocalCluster(environment: NodeJS.ProcessEnv): LocalClusterPlan {
  const firstHttpPort = readPort(environment, 'RAFT3D_HTTP_PORT', 8080);
  const firstRaftPort = readPort(environment, 'RAFT3D_RAFT_PORT', 7000);
  const data = environment.RAFT3D_DATA || 'data';
  return {
    nodes: Array.from({ length: NODE_COUNT }, (_, at) => ({
      id: `node${at + 1}`,
      httpPort: firstHttpPort + at,
      raftPort: firstRaftPort + at,
    })),
    data,
    logs: environment.RAFT3D_LOGS || 'logs',
    formedMarker: path.join(data, '.formed'),
  };
}

/** Returns the flags of one node, as a user would type them. */
export function nodeArguments(
  plan: LocalClusterPlan,
  node: LocalNode,
  options: { formed: boolean },
): string[] {
  const others = plan.nodes.filter((other) => other !== node);
  const startsCluster = !options.formed && node === plan.nodes[0];
  return [
    ['-id', node.id],
    ['-http', `${LOCAL_HOST}:${node.httpPort}`],
    ['-raft', `${LOCAL_HOST}:${node.raftPort}`],
    ['-data', plan.data],
    ['-logs', plan.logs],
    ['-console-level', 'warn'],
    ['-file-level', 'debug'],
    startsCluster
      ? ['-bootstrap']
      : ['-join', others.map((other) => `${LOCAL_HOST}:${other.httpPort}`).join(',')],
  ].flat();
}

function readPort(environment: NodeJS.ProcessEnv, name: string, otherwise: number): number {
  const text = environment[name] || String(otherwise);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  const last = MAX_PORT - NODE_COUNT + 1;
  if (port >= 1 && port <= last) return port;
  throw new CodedError(
    'usage',
    `${name} is the first of ${NODE_COUNT} ports: choose one from 1 to ${last}, not "${text}"`,
  );
}
