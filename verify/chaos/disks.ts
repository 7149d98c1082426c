// The nodes' data directories. As root each node has its own small disk, which can be filled; otherwise they
// share a directory.

import fs from 'node:fs';
import path from 'node:path';
import { present } from '../../src/shared/assert.ts';
import { SmallDisk } from '../kit/small-disk.ts';

/**
 * Enough for twice the state of a long run, since a snapshot is staged beside it. Only used space takes
 * memory.
 */
const MEGABYTES = 128;

export class Disks {
  readonly #directory: string;
  readonly #small = new Map<string, SmallDisk>();

  /** Creates the disks under the run's `directory`. */
  constructor(directory: string, nodeIds: readonly string[]) {
    this.#directory = directory;
    try {
      for (const id of nodeIds) {
        this.#small.set(id, new SmallDisk(path.join(directory, 'disks', id), { megabytes: MEGABYTES }));
      }
    } catch (error) {
      this.unmount();
      if (process.getuid?.() === 0 && !isForbidden(error)) throw error;
    }
  }

  /** Whether `fill` can be called. */
  get areSmall(): boolean {
    return this.#small.size > 0;
  }

  /** The text for the report. */
  get description(): string {
    return this.areSmall
      ? `a disk of ${MEGABYTES} MB for each node`
      : 'no full disks: only root may mount small disks';
  }

  /** The `-data` directory of a node. */
  dataOf(id: string): string {
    return this.#small.get(id)?.directory ?? path.join(this.#directory, 'data');
  }

  /** Takes all free space of the disk. */
  fill(id: string): void {
    this.#diskOf(id).fill();
  }

  makeRoom(id: string): void {
    this.#diskOf(id).makeRoom();
  }

  /** Unmounts all disks. `keep` copies their content to the run's directory. */
  unmount({ keep = false } = {}): void {
    for (const [id, disk] of this.#small) {
      if (keep) {
        disk.makeRoom();
        fs.cpSync(disk.directory, path.join(this.#directory, 'data-kept', id), { recursive: true });
      }
      disk.unmount();
    }
    this.#small.clear();
  }

  #diskOf(id: string): SmallDisk {
    return present(this.#small.get(id), `${id} has a small disk`);
  }
}

/** Whether mounting is forbidden, as for root within a container. */
function isForbidden(error: unknown): boolean {
  return error instanceof Error && /permission denied|not permitted/i.test(error.message);
}
