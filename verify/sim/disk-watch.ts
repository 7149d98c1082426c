// Tells the checkers which server a durable write belongs to: a disk belongs to the server whose identity it
// holds.

import { openSealed } from '../../src/engines/raft/codec/sealed-record.ts';
import type { ServerId } from '../../src/engines/raft/core/configuration.ts';
import { IDENTITY_KEY } from '../../src/engines/raft/node/log/keys.ts';
import type { WriteOperation } from '../../src/engines/raft/node/ports/key-value-store.ts';
import type { RaftProperties } from './checkers/raft-properties.ts';
import { type DiskObserver, keyOf, type SimulatedDisk } from './simulated-disk.ts';

const IDENTITY = keyOf(IDENTITY_KEY);
const decoder = new TextDecoder();

export class DiskWatch implements DiskObserver {
  readonly #properties: RaftProperties;
  readonly #serverOf = new Map<SimulatedDisk, ServerId>();
  /** A snapshot was installed on this disk. */
  onInstalled: (disk: SimulatedDisk) => void = () => undefined;

  constructor(properties: RaftProperties) {
    this.#properties = properties;
  }

  serverOf(disk: SimulatedDisk): ServerId | undefined {
    return this.#serverOf.get(disk);
  }

  onDurable(disk: SimulatedDisk, operations: readonly WriteOperation[], isAdoption: boolean): void {
    const identity = identityIn(operations);
    if (identity !== undefined) this.#serverOf.set(disk, identity);
    const server = this.#serverOf.get(disk);
    if (server !== undefined) this.#properties.onDurable(server, operations, isAdoption);
    if (isAdoption) this.onInstalled(disk);
  }

  /** Called when the disk is emptied, or gets an old copy that will receive a new identity. */
  onReplaced(disk: SimulatedDisk): void {
    this.#serverOf.delete(disk);
  }
}

function identityIn(operations: readonly WriteOperation[]): ServerId | undefined {
  for (const operation of operations) {
    if (operation.kind !== 'put' || operation.key.length !== IDENTITY_KEY.length) continue;
    if (keyOf(operation.key) !== IDENTITY) continue;
    const { server } = JSON.parse(decoder.decode(openSealed(operation.key, operation.value))) as {
      server: ServerId;
    };
    return server;
  }
  return undefined;
}
