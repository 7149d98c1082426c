// The first disk write of a start: identity, count of starts, and the first configuration of a new cluster.

import { present } from '../../../shared/assert.ts';
import type { Logger } from '../../../shared/logger.ts';
import type { Random } from '../../../shared/seeded-generator.ts';
import { EMPTY_CONFIGURATION, withMember } from '../core/configuration.ts';
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
import type { KeyValueStore, WriteOperation } from './ports/key-value-store.ts';
import { unusedGeneration } from './state/state-store.ts';

interface BootPorts {
  readonly store: KeyValueStore;
  readonly random: Random;
  readonly logger: Logger;
}

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
    if (error !== undefined) {
      done(error, undefined);
      return;
    }
    done(undefined, counted ?? present(loadDurableState(ports.store), 'the identity was just written'));
  });
}

interface BootWrite {
  readonly operations: WriteOperation[];
  /** The state on disk after a start that changes only the count: the log need not be read again. */
  readonly counted?: LoadedState;
}

function bootWrite(
  ports: BootPorts,
  { options, loaded }: { options: RaftOptions; loaded: LoadedState | undefined },
): BootWrite {
  if (loaded === undefined) {
    const identity = newIdentity(ports, { node: options.node, boots: 1 });
    return {
      operations: options.bootstrap
        ? foundingOperations(ports, { identity, options })
        : initialRecords(identity),
    };
  }
  const { removed } = loaded;
  const boots = loaded.identity.boots + 1;
  const identity = { ...loaded.identity, boots };
  if (options.startOver || (removed && options.join)) {
    ports.logger.info('this server was removed: it joins as a new one', { was: identity.server });
    const generation = unusedGeneration(ports.store);
    const fresh = newIdentity(ports, { node: options.node, boots });
    return { operations: startOver(fresh, { loaded, generation }) };
  }
  if (options.bootstrap && identity.clusterId === '') {
    return { operations: foundingOperations(ports, { identity, options }) };
  }
  if (options.bootstrap) {
    ports.logger.info('-bootstrap is ignored: this node has state', { clusterId: identity.clusterId });
  }
  return { operations: [putIdentity(identity)], counted: { ...loaded, identity } };
}

function newIdentity(ports: BootPorts, { node, boots }: { node: string; boots: number }): NodeIdentity {
  return { server: newServerId(node, ports.random), clusterId: '', boots };
}

/** Entry 1 of term 1 is the first configuration: this node alone. */
function foundingOperations(
  ports: BootPorts,
  { identity, options }: { identity: NodeIdentity; options: RaftOptions },
): WriteOperation[] {
  const clusterId = randomHex(ports.random);
  ports.logger.info('a new cluster begins', { clusterId });
  const configuration = withMember(EMPTY_CONFIGURATION, {
    server: identity.server,
    role: 'voter',
    raftAddress: options.raftAddress,
    httpAddress: options.httpAddress,
  });
  return [
    // Rows that an earlier life of this disk left behind must not become the state of the new cluster.
    ...initialRecords({ ...identity, clusterId }, unusedGeneration(ports.store)),
    putHardState({ term: 1, votedFor: undefined }),
    ...putEntries([{ kind: 'configuration', index: 1, term: 1, configuration }]),
  ];
}
