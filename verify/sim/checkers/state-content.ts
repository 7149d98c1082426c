// The content of a replica's state as one number, independent of row order. It is read from the state of a
// process, or from a disk, where parts that have not changed since the last reading are not read again.

import { openSealed } from '../../../src/engines/raft/codec/sealed-record.ts';
import { REPLICATION_PREFIX } from '../../../src/engines/raft/node/sessions.ts';
import { ALL_STATE, farmKeyOf, stateRange } from '../../../src/engines/raft/node/state/state-keys.ts';
import type { StateReader } from '../../../src/state/state-view.ts';
import type { TreeNode, Version } from '../persistent-map.ts';
import { bytesOf, type DiskVersion, keyOf } from '../simulated-disk.ts';
import { hashText } from './hash.ts';

/** Contents are integers from 0 to below this bound, so that sums stay exact. */
const MODULUS = 2 ** 52;
const decoder = new TextDecoder();

/** The sum of two contents; with a negative second one, their difference. */
export function added(content: number, difference: number): number {
  return (((content + difference) % MODULUS) + MODULUS) % MODULUS;
}

/** Content of one row; `text` is its value as JSON. */
export function contentOfRow(key: string, text: string): number {
  return hashText(text, hashText(key)) % MODULUS;
}

/** Excludes rows of `raft/`: they hold sessions, not the farm, and reach the state in steps. */
export function contentOfState(state: StateReader): number {
  let content = 0;
  for (const [key, value] of state.range({ prefix: '' })) {
    if (!key.startsWith(REPLICATION_PREFIX))
      content = added(content, contentOfRow(key, JSON.stringify(value)));
  }
  return content;
}

/** Content of the state of a process that has just started on a disk or has just installed a snapshot. */
export class DiskContents {
  /** Versions of a disk share most of their nodes, and nodes share their values. */
  readonly #ofNode = new WeakMap<TreeNode<Uint8Array>, number>();
  readonly #ofValue = new WeakMap<Uint8Array, number>();

  /** Content of the rows of one generation. Throws CodedError `record_damaged` for a wrong checksum. */
  of(disk: DiskVersion, generation: number): number {
    const { from, to } = stateRange(generation);
    return this.#between(disk, keyOf(from), keyOf(to));
  }

  /** Rows with `from` ≤ key < `to`; undefined means no bound. */
  #between(node: Version<Uint8Array>, from: string | undefined, to: string | undefined): number {
    if (node === undefined) return 0;
    if (from === undefined && to === undefined) return this.#all(node);
    if (from !== undefined && node.key < from) return this.#between(node.right, from, to);
    if (to !== undefined && node.key >= to) return this.#between(node.left, from, to);
    const left = this.#between(node.left, from, undefined);
    return added(added(left, this.#row(node)), this.#between(node.right, undefined, to));
  }

  #all(node: TreeNode<Uint8Array>): number {
    let content = this.#ofNode.get(node);
    if (content === undefined) {
      const sides = added(
        this.#between(node.left, undefined, undefined),
        this.#between(node.right, undefined, undefined),
      );
      content = added(sides, this.#row(node));
      this.#ofNode.set(node, content);
    }
    return content;
  }

  #row({ key, value }: TreeNode<Uint8Array>): number {
    let content = this.#ofValue.get(value);
    if (content === undefined) {
      content = readRow(bytesOf(key), value);
      this.#ofValue.set(value, content);
    }
    return content;
  }
}

function readRow(key: Uint8Array, value: Uint8Array): number {
  if (key[0] !== ALL_STATE.from[0]) return 0;
  const name = decoder.decode(farmKeyOf(key));
  const text = decoder.decode(openSealed(key, value));
  return name.startsWith(REPLICATION_PREFIX) ? 0 : contentOfRow(name, text);
}
