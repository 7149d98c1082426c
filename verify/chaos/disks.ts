// Where the nodes keep their data: as root each on a small disk of its own that can be filled, elsewhere in one
// directory.

import fs from 'node:fs';
import path from 'node:path';
import { present } from '../../src/shared/assert.ts';
import { SmallDisk } from '../kit/small-disk.ts';

/** Room for the state of a long run, twice: a snapshot is staged beside what is there. Memory only as far as used. */
const MEGABYTES = 128;

export class Disks {
  readonly #directory: string;
  readonly #small = new Map<string, SmallDisk>();

  /** Under the run's `directory`. */
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

  /** For the report. */
  get description(): string {
    return this.areSmall
      ? `a disk of ${MEGABYTES} MB for each node`
      : 'no full disks: only root may mount some';
  }

  /** The `-data` directory of a node. */
  dataOf(id: string): string {
    return this.#small.get(id)?.directory ?? path.join(this.#directory, 'data');
  }

  /** Takes all the room that is left. */
  fill(id: string): void {
    this.#diskOf(id).fill();
  }

  makeRoom(id: string): void {
    this.#diskOf(id).makeRoom();
  }

  /** Keeps what is on them beside the run's other files when `keep` says so. */
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

/** Root within a container may not mount. */
function isForbidden(error: unknown): boolean {
  return error instanceof Error && /permission denied|not permitted/i.test(error.message);
}
