// The audit after the faults: every node must recover, and have every acknowledged write exactly once.

import { present } from '../../src/shared/assert.ts';
import { type CollectionRead, isRead } from '../kit/farm-model.ts';
import type { NodeProcess } from '../kit/node-process.ts';
import type { Violations } from '../kit/violations.ts';
import { waitFor } from '../kit/wait-for.ts';
import { shows, tookEffect } from './acknowledged.ts';
import type { Cluster } from './cluster.ts';
import { describeJobs, describeSpool, type JobRow, type SpoolRow } from './farm-requests.ts';
import type { History, Recorded } from './history.ts';

const RECOVERY_TIMEOUT_MS = 60_000;
const LIST_TIMEOUT_MS = 30_000;
/** The first part of ids that the run itself creates, apart from its clients. */
export const PROBE = 'probe';

/** Waits until all nodes are voters, follow one leader and have applied the same log to its end. */
export async function waitUntilWell(cluster: Cluster): Promise<void> {
  await waitFor(
    'every node is well after the last fault',
    async () => {
      const statuses = await Promise.all(cluster.nodes.map((node) => node.status()));
      const described = statuses.map((status) =>
        status === undefined
          ? 'no answer'
          : `${status.node_id}: ${status.state}, leader ${status.leader_id}, applied ${status.applied_index} of ${status.last_log_index}`,
      );
      const [first] = statuses;
      const areWell = statuses.every(
        (status) =>
          status !== undefined &&
          status.leader_id !== '' &&
          status.leader_id === first?.leader_id &&
          status.applied_index === status.last_log_index &&
          status.applied_index === first.applied_index &&
          cluster.nodes.every(({ id }) => status.nodes.some((one) => one.id === id && one.role === 'voter')),
      );
      if (!areWell) throw new Error(described.join('; '));
      return cluster.isWhole;
    },
    { timeoutMs: RECOVERY_TIMEOUT_MS },
  );
}

/** All rows of a node. */
interface Farm {
  readonly printers: readonly { readonly id: string }[];
  readonly spools: readonly SpoolRow[];
  readonly jobs: readonly JobRow[];
}

/** The parts of a run that remain after the faults. */
export interface Aftermath {
  readonly cluster: Cluster;
  readonly history: History;
  readonly violations: Violations;
}

interface AuditCounts {
  /** Acknowledged writes that a node lacks, summed over all nodes. */
  readonly lost: number;
  /** Rows that a node has twice, and spools whose weights do not match their jobs. */
  readonly duplicated: number;
}

/**
 * Reads every node's own state, adds these reads to the history, and compares them with it. All nodes must be
 * well, and no client may write meanwhile.
 */
export async function audit({ cluster, history, violations }: Aftermath): Promise<AuditCounts> {
  const counts = { lost: 0, duplicated: 0 };
  let first: Farm | undefined;
  for (const node of cluster.nodes) {
    const before = [...history.workcells].map(([workcell, operations]) => ({
      workcell,
      operations: [...operations],
    }));
    const reads = before.flatMap(({ workcell }) =>
      READS.map((operation) => history.begin({ process: 'audit', node: node.id, workcell, operation })),
    );
    const farm = await readFarm(node);
    for (const read of reads) history.end(read, { kind: 'answered', result: describe(farm, read) });
    first ??= farm;
    for (const difference of differencesBetween(first, farm)) {
      violations.add('replicas', `${cluster.nodes[0]?.id} and ${node.id} differ: ${difference}`);
    }
    for (const problem of duplicatesIn(farm, new Set([PROBE, ...history.workcells.keys()]))) {
      counts.duplicated += 1;
      violations.add('exactly once', `${node.id}: ${problem}`);
    }
    for (const { operations } of before) {
      for (const write of operations.filter((one) => isMissing(farm, one))) {
        counts.lost += 1;
        violations.add('durability', `${node.id} has lost ${JSON.stringify(write)}`);
      }
    }
  }
  return counts;
}

const READS: readonly CollectionRead[] = [
  { kind: 'read-printer' },
  { kind: 'read-spool' },
  { kind: 'read-jobs' },
];

async function readFarm(node: NodeProcess): Promise<Farm> {
  const [printers, spools, jobs] = await Promise.all(
    ['printers', 'filaments', 'print_jobs'].map(async (collection) => {
      const path = `/api/v1/${collection}?consistency=stale`;
      const { status, body } = await node.request(path, { timeoutMs: LIST_TIMEOUT_MS });
      if (status !== 200) throw new Error(`${node.id} answered ${path} with ${status}`);
      return body;
    }),
  );
  return { printers, spools, jobs };
}

function describe(farm: Farm, { workcell, operation }: Recorded): string {
  switch (operation.kind) {
    case 'read-printer':
      return farm.printers.some(({ id }) => id === workcell) ? 'there' : 'none';
    case 'read-spool': {
      const spool = farm.spools.find(({ id }) => id === workcell);
      return spool === undefined ? 'none' : describeSpool(spool);
    }
    default:
      return describeJobs(workcell, farm.jobs);
  }
}

function isMissing(farm: Farm, write: Recorded): boolean {
  const { operation, answer } = write;
  if (isRead(operation) || answer === undefined || !tookEffect(answer.result)) return false;
  return READS.some((read) => !shows(read, describe(farm, { ...write, operation: read }), operation));
}

/** Compares all fields of all rows. Returns the rows that only one of two nodes has. */
export function differencesBetween(a: Farm, b: Farm): string[] {
  const [some, others] = [rowsOf(a), rowsOf(b)];
  return [
    ...[...some].filter((row) => !others.has(row)).map((row) => `only the first has ${row}`),
    ...[...others].filter((row) => !some.has(row)).map((row) => `only the second has ${row}`),
  ];
}

function rowsOf({ printers, spools, jobs }: Farm): Set<string> {
  return new Set([...printers, ...spools, ...jobs].map((row) => JSON.stringify(row)));
}

/** Returns rows that are there twice, rows that no client created, and wrong reservations. */
export function duplicatesIn(farm: Farm, workcells: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  for (const rows of [farm.printers, farm.spools, farm.jobs]) {
    const seen = new Set<string>();
    for (const { id } of rows) {
      if (seen.has(id)) problems.push(`${id} is there twice`);
      seen.add(id);
      if (!workcells.has(present(id.split('.')[0], 'an id has a beginning')))
        problems.push(`no client created ${id}`);
    }
  }
  return [...problems, ...farm.spools.flatMap((spool) => wrongReservation(spool, farm.jobs))];
}

function wrongReservation(spool: SpoolRow, jobs: readonly JobRow[]): string[] {
  const open = jobs.filter(
    ({ filament_id, status }) => filament_id === spool.id && (status === 'Queued' || status === 'Running'),
  );
  const needed = open.reduce((sum, job) => sum + job.print_weight_in_grams, 0);
  if (needed === spool.reserved_weight_in_grams) return [];
  return [`spool ${spool.id} has ${spool.reserved_weight_in_grams} g reserved, its jobs need ${needed} g`];
}
