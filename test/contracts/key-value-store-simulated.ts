// The simulated store, for the contract and for tests that need only a store.

import { Draws } from '../../verify/kit/draws.ts';
import { ProcessLife } from '../../verify/sim/process-life.ts';
import { SimulatedDisk } from '../../verify/sim/simulated-disk.ts';
import { SimulatedStore } from '../../verify/sim/simulated-store.ts';
import { Timeline } from '../../verify/sim/timeline.ts';
import type { KeyValueStoreHarness } from './key-value-store.ts';

export interface SimulatedHarness extends KeyValueStoreHarness {
  readonly disk: SimulatedDisk;
  openNow(): SimulatedStore;
}

export function simulatedHarness({ earlyVisibility = 0.5, seed = 1 } = {}): SimulatedHarness {
  const timeline = new Timeline();
  const disk = new SimulatedDisk('disk', {
    timeline,
    draws: new Draws(seed),
    profile: { minWriteMs: 1, meanWriteMs: 1, earlyVisibility },
    observer: { onDurable: () => undefined },
  });
  const openNow = (): SimulatedStore => new SimulatedStore(timeline, disk, new ProcessLife('process'));
  return {
    disk,
    openNow,
    open: async () => openNow(),
    run: () => {
      while (timeline.step(timeline.nowMs + 1_000));
    },
    dispose: async () => undefined,
  };
}
