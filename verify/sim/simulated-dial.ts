// Opens a simulated connection and exchanges hellos, for messages, channels and probes alike.

import type { ServerId } from '../../src/engines/raft/core/configuration.ts';
import type { PeerIdentity, RefusalReason } from '../../src/engines/raft/node/ports/transport.ts';
import { CodedError } from '../../src/shared/coded-error.ts';
import type { ProcessLife } from './process-life.ts';
import type { Endpoint, WireItem } from './simulated-connection.ts';
import type { HostIndex } from './simulated-links.ts';
import type { SimulatedNetwork } from './simulated-network.ts';

const CONNECT_TIMEOUT_MS = 1_000;
const HELLO_TIMEOUT_MS = 2_000;

interface DialRequest {
  readonly address: string;
  readonly purpose: 'messages' | 'channel' | 'probe';
  readonly identity: PeerIdentity;
  /** Undefined for a probe, which asks for the server's id. */
  readonly expectedServer: ServerId | undefined;
}

export type DialResult =
  | { readonly kind: 'accepted'; readonly end: Endpoint; readonly identity: PeerIdentity }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  | {
      readonly kind: 'failed';
      readonly cause: 'refused' | 'closed' | 'unreachable';
      readonly error: CodedError;
    };

export interface Dial {
  /** Prevents the call of `done`. */
  abandon(): void;
}

/** Calls `done` once, within a bounded time, never inside the call. */
export function dial(
  network: SimulatedNetwork,
  from: { host: HostIndex; life: ProcessLife },
  request: DialRequest,
  done: (result: DialResult) => void,
): Dial {
  const { timeline, links } = network;
  let end: Endpoint | undefined;
  let isSettled = false;
  const settle = (result: DialResult): void => {
    if (isSettled) return;
    isSettled = true;
    timeline.cancel(timeout);
    if (result.kind !== 'accepted') end?.destroy(undefined);
    done(result);
  };
  const timeout = timeline.schedule(CONNECT_TIMEOUT_MS + HELLO_TIMEOUT_MS, from.life, () =>
    settle(failed('unreachable', `${request.address} did not answer in time`)),
  );
  const to = network.hostAt(request.address);
  const roundTripMs = to === undefined ? 0 : links.travelMs(from.host, to) + links.travelMs(to, from.host);
  const isSilent = network.reach(from.host, request.address) === 'silent';
  timeline.schedule(isSilent ? CONNECT_TIMEOUT_MS : roundTripMs, from.life, () => {
    if (isSettled) return;
    if (isSilent)
      return settle(failed('unreachable', `${request.address} did not accept the connection in time`));
    end = network.connect(from, request.address);
    if (end === undefined) return settle(failed('refused', `no process listens at ${request.address}`));
    end.onClosed = (error) =>
      settle(failed('closed', error?.message ?? 'the other side closed the connection'));
    end.onItem = (item) => settle(judge(end as Endpoint, request, item));
    const { purpose, identity, expectedServer } = request;
    end.send({ kind: 'hello', purpose, identity, expectedServer });
  });
  return {
    abandon: () => {
      isSettled = true;
      timeline.cancel(timeout);
      end?.destroy(undefined);
    },
  };
}

function judge(end: Endpoint, { expectedServer }: DialRequest, item: WireItem): DialResult {
  end.onItem = () => undefined;
  end.onClosed = () => undefined;
  if (item.kind === 'refused') return item;
  if (item.kind !== 'accepted') return failed('closed', `a hello is not answered with '${item.kind}'`);
  if (expectedServer !== undefined && item.identity.server !== expectedServer) {
    return { kind: 'refused', reason: 'wrong-server' };
  }
  return { kind: 'accepted', end, identity: item.identity };
}

function failed(cause: 'refused' | 'closed' | 'unreachable', message: string): DialResult {
  return { kind: 'failed', cause, error: new CodedError('unreachable', message) };
}
