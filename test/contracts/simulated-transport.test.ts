// The transport contract, held by the simulated network. Its time passes only while a test waits.

import { Draws } from '../../verify/kit/draws.ts';
import { ProcessLife } from '../../verify/sim/process-life.ts';
import { type NetworkProfile, SimulatedLinks } from '../../verify/sim/simulated-links.ts';
import { SimulatedNetwork } from '../../verify/sim/simulated-network.ts';
import { SimulatedTransport } from '../../verify/sim/simulated-transport.ts';
import { Timeline } from '../../verify/sim/timeline.ts';
import { cutNetworkContract, transportContract } from './transport.ts';
import type { CuttableHarness } from './transport-world.ts';

const HOSTS = 8;
const WAIT_BOUND_MS = 60_000;

const GOOD_NETWORK: NetworkProfile = {
  minDelayMs: 0.1,
  meanJitterMs: 1,
  spikeChance: 0,
  spikeMs: 0,
  cutChance: 0,
  isDatagram: false,
  lossChance: 0,
  duplicateChance: 0,
  reorderChance: 0,
  codecChance: 0.5,
  maxQueuedMessages: 1_000,
};

function simulatedHarness(): CuttableHarness {
  const timeline = new Timeline();
  const addresses = Array.from({ length: HOSTS }, (_, host) => `10.0.0.${host + 1}:7000`);
  const links = new SimulatedLinks(GOOD_NETWORK, {
    hosts: HOSTS,
    draws: new Draws(1),
    nowMs: () => timeline.nowMs,
  });
  const network = new SimulatedNetwork(addresses, {
    timeline,
    links,
    draws: new Draws(2),
    observer: { onSend: () => undefined },
  });
  const lives: ProcessLife[] = [];
  const hostsOf = (one: string, other: string): [number, number] => [
    addresses.indexOf(one),
    addresses.indexOf(other),
  ];
  return {
    async start(handlers, address = addresses[lives.length] ?? '') {
      const life = new ProcessLife(address);
      lives.push(life);
      const transport = new SimulatedTransport(network, { host: addresses.indexOf(address), life });
      let isStarted = false;
      transport.start(handlers, () => {
        isStarted = true;
      });
      await this.until(() => isStarted, 'the transport has started');
      return { transport, address };
    },

    async until(condition, what) {
      const deadlineMs = timeline.nowMs + WAIT_BOUND_MS;
      while (!condition()) {
        if (!timeline.step(deadlineMs)) throw new Error(`waited in vain until ${what}`);
      }
    },

    async close() {
      for (const life of lives) life.end();
    },

    cut(one, other) {
      const [a, b] = hostsOf(one, other);
      links.block(a, b);
      links.block(b, a);
    },

    heal(one, other) {
      const [a, b] = hostsOf(one, other);
      links.unblock(a, b);
      links.unblock(b, a);
    },
  };
}

transportContract('SimulatedTransport', simulatedHarness);
cutNetworkContract('SimulatedTransport', simulatedHarness);
