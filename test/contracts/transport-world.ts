// The worlds that transports are tested in, and the steps that tests take there.

import { afterEach, beforeEach, expect } from 'vitest';
import type { Transport, TransportHandlers } from '../../src/engines/raft/node/ports/transport.ts';
import { RecordingPeer } from './transport-recording-peer.ts';

/** A world in which transports reach each other. */
export interface TransportHarness {
  /** Starts a transport, at an address that was in use before or at a new one. */
  start(handlers: TransportHandlers, address?: string): Promise<{ transport: Transport; address: string }>;
  /** Runs the world until `condition` holds. Fails with `what` when it never does. */
  until(condition: () => boolean, what: string): Promise<void>;
  /** Closes every transport that is still open. */
  close(): Promise<void>;
}

/** A world whose network can be cut between two addresses in both directions, without telling either side. */
export interface CuttableHarness extends TransportHarness {
  cut(oneAddress: string, otherAddress: string): void;
  heal(oneAddress: string, otherAddress: string): void;
}

export interface TransportWorld {
  until(condition: () => boolean, what: string): Promise<void>;
  /** Starts the peer, at an address that was in use before if one is given. */
  start(peer: RecordingPeer, address?: string): Promise<RecordingPeer>;
  /** Starts a@1 and b@1, which do not know each other. */
  startPair(): Promise<[RecordingPeer, RecordingPeer]>;
  /** Starts a@1 and b@1 and connects them in both directions. */
  connectedPair(): Promise<[RecordingPeer, RecordingPeer]>;
  stop(peer: RecordingPeer): Promise<void>;
}

/**
 * Makes a new world for every test of the enclosing group. After each test no rule of the port may have been
 * broken.
 */
export function worldPerTest(makeHarness: () => TransportHarness): TransportWorld {
  let harness: TransportHarness;
  let peers: RecordingPeer[];

  beforeEach(() => {
    harness = makeHarness();
    peers = [];
  });

  afterEach(async () => {
    await harness.close();
    expect(peers.flatMap((peer) => peer.violations)).toEqual([]);
  });

  const until = (condition: () => boolean, what: string): Promise<void> => harness.until(condition, what);

  async function start(peer: RecordingPeer, address?: string): Promise<RecordingPeer> {
    const started = await harness.start(peer, address);
    peer.attach(started.transport, started.address);
    peers.push(peer);
    return peer;
  }

  async function startPair(): Promise<[RecordingPeer, RecordingPeer]> {
    return [await start(new RecordingPeer('a@1')), await start(new RecordingPeer('b@1'))];
  }

  async function connectedPair(): Promise<[RecordingPeer, RecordingPeer]> {
    const [a, b] = await startPair();
    a.connectTo(b);
    b.connectTo(a);
    await until(() => a.isUp(b) && b.isUp(a), 'both are connected');
    return [a, b];
  }

  async function stop(peer: RecordingPeer): Promise<void> {
    let stopped = 0;
    peer.call((transport) => transport.close(() => stopped++));
    expect(stopped).toBe(0);
    await until(() => stopped > 0, `${peer.server} has closed`);
    expect(stopped).toBe(1);
  }

  return { until, start, startPair, connectedPair, stop };
}
