// The first disk write of a start: identity, count of starts, and the first configuration of a new cluster.

import { present } from '../../../shared/assert.ts';
import { EMPTY_CONFIGURATION, type Member, type ServerId, withMember } from '../core/configuration.ts';
import {
  initialRecords,
  type LoadedState,
  loadDurableState,
  type NodeIdentity,
  putHardState,
  putIdentity,
  startOver,
} from './log/durable-records.ts';
import { putEntries } from './log/log-blocks.ts';
import { newServerId, randomHex } from './membership/server-id.ts';
import type { RaftOptions } from './options.ts';
import type { WriteOperation } from './ports/key-value-store.ts';
import type { ReplicaPorts } from './replica.ts';
import { unusedGeneration } from './state/state-store.ts';

type BootPorts = Pick<ReplicaPorts, 'store' | 'random' | 'logger'>;

/**
 * Reads the disk, and writes everything that must be durable before the node speaks: a new identity or one
 * more start, and the first configuration if a cluster is founded. A removed server that joins again gets a
 * new identity. `done` gets the state as it is on disk then. Throws the errors of `loadDurableState`.
 */
export function boot(
  ports: BootPorts,
  options: RaftOptions,
  done: (error: Error | undefined, loaded: LoadedState | undefined) => void,
): void {
  const loaded = loadDurableState(ports.store);
  const { operations, counted } = bootWrite(ports, { options, loaded });
  ports.store.write(operations, (error) => {
    if (error !== undefined) done(error, undefined);
    else done(undefined, counted ?? present(loadDurableState(ports.store), 'the identity was just written'));
  });
}

interface BootWrite {
  readonly operations: WriteOperation[];
  /** The state on disk after a start that changes only the count: the log need not be read again. */
  readonly counted?: LoadedState;
}

function bootWrite(
  { store, random, logger }: BootPorts,
  { options, loaded }: { options: RaftOptions; loaded: LoadedState | undefined },
): BootWrite {
  const boots = (loaded?.identity.boots ?? 0) + 1;
  const newIdentity = (): NodeIdentity => ({
    server: newServerId(options.node, random),
    clusterId: '',
    boots,
  });
  if (loaded !== undefined && (options.startOver || (loaded.removed && options.join))) {
    logger.info('this server was removed: it joins as a new one', { was: loaded.identity.server });
    return { operations: startOver(newIdentity(), { loaded, generation: unusedGeneration(store) }) };
  }
  const identity = loaded === undefined ? newIdentity() : { ...loaded.identity, boots };
  const { clusterId } = identity;
  if (options.bootstrap && clusterId === '') {
    const founder = { ...identity, clusterId: randomHex(random) };
    logger.info('a new cluster begins', { clusterId: founder.clusterId });
    // Rows that an earlier life of this disk left behind must not become the state of the new cluster.
    const records = initialRecords(founder, unusedGeneration(store));
    return { operations: [...records, ...foundingOperations(founder.server, options)] };
  }
  if (loaded === undefined) return { operations: initialRecords(identity) };
  if (options.bootstrap) logger.info('-bootstrap is ignored: this node has state', { clusterId });
  return { operations: [putIdentity(identity)], counted: { ...loaded, identity } };
}

/** Entry 1 of term 1 is the first configuration: this node alone. */
function foundingOperations(server: ServerId, { raftAddress, httpAddress }: RaftOptions): WriteOperation[] {
  const founder: Member = { server, role: 'voter', raftAddress, httpAddress };
  const configuration = withMember(EMPTY_CONFIGURATION, founder);
  return [
    putHardState({ term: 1, votedFor: undefined }),
    ...putEntries([{ kind: 'configuration', index: 1, term: 1, configuration }]),
  ];
}
