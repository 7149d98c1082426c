// A small file system: a tmpfs of a few megabytes. Only root can mount it.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Stage } from './stage.ts';

const CHUNK_BYTES = 64 * 1024;

export class SmallDisk {
  readonly directory: string;

  /** Mounts a disk for this stage. */
  static on(stage: Stage, options: { megabytes: number }): SmallDisk {
    const disk = new SmallDisk(path.join(stage.directory, 'small-disk'), options);
    stage.onEnd(() => disk.unmount());
    return disk;
  }

  /** Creates the directory and mounts the disk there. Throws without the privilege. */
  constructor(directory: string, options: { megabytes: number }) {
    this.directory = directory;
    fs.mkdirSync(directory, { recursive: true });
    const size = `size=${options.megabytes}m`;
    execFileSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', directory], { stdio: 'pipe' });
  }

  /** Removes the disk with its content. */
  unmount(): void {
    execFileSync('umount', ['--lazy', this.directory]);
  }

  /** Fills the disk completely. */
  fill(): void {
    const filler = fs.openSync(this.#filler, 'a');
    try {
      for (const bytes of [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(1)]) {
        while (this.#appends(filler, bytes));
      }
    } finally {
      fs.closeSync(filler);
    }
  }

  /** Frees the space that `fill` took. */
  makeRoom(): void {
    fs.rmSync(this.#filler, { force: true });
  }

  get #filler(): string {
    return path.join(this.directory, 'filler');
  }

  #appends(descriptor: number, bytes: Buffer): boolean {
    try {
      return fs.writeSync(descriptor, bytes) === bytes.length;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
      throw error;
    }
  }
}
