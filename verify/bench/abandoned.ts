// Removes nodes and their data at the end of the process, however it ends.

import fs from 'node:fs';
import type { BenchNode } from './cluster.ts';

const places = new Map<string, readonly BenchNode[]>();

process.on('exit', () => {
  for (const [directory, nodes] of places) {
    for (const node of nodes) node.signal('SIGKILL');
    fs.rmSync(directory, { recursive: true, force: true });
  }
});

/** Call this before the first of the nodes is started. */
export function removeAtExit(directory: string, nodes: readonly BenchNode[]): void {
  places.set(directory, nodes);
}

/** Removes the data of nodes that have ended. */
export function removeNow(directory: string): void {
  places.delete(directory);
  fs.rmSync(directory, { recursive: true, force: true });
}
