// A file system that is soon full: a tmpfs of a few megabytes.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Stage } from './stage.ts';

const CHUNK_BYTES = 64 * 1024;

export class SmallDisk {
  readonly directory: string;

  /** For this stage. Only root may: anybody else gets an error that says so, and the test fails. */
  static on(stage: Stage, options: { megabytes: number }): SmallDisk {
    if (process.getuid?.() !== 0)
      throw new Error('this test mounts a tmpfs, which only root may: run it as root');
    const disk = new SmallDisk(path.join(stage.directory, 'small-disk'), options);
    stage.onEnd(() => disk.unmount());
    return disk;
  }

  /** Makes the directory and mounts the disk there. Throws where this process may not. */
  constructor(directory: string, options: { megabytes: number }) {
    this.directory = directory;
    fs.mkdirSync(directory, { recursive: true });
    const size = `size=${options.megabytes}m`;
    execFileSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', directory], { stdio: 'pipe' });
  }

  /** With all that is on it. */
  unmount(): void {
    execFileSync('umount', ['--lazy', this.directory]);
  }

  /** Takes all the room that is left. */
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

  /** Gives it back. */
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
