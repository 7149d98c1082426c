// One message: its term is compared with the own term, then its handler is called.

import { unreachable } from '../../../shared/assert.ts';
import {
  handlePreVoteRequest,
  handlePreVoteResponse,
  handleVoteRequest,
  handleVoteResponse,
  isLoyal,
} from './election.ts';
import {
  handleAppendRequest,
  handleHeartbeatRequest,
  handleReadIndexResponse,
  handleTimeoutNow,
  refuse,
} from './follower.ts';
import type { Message } from './message.ts';
import { handleAppendResponse, handleHeartbeatResponse, requestRead } from './replication.ts';
import { becomeFollower } from './roles.ts';
import type { CoreState } from './state.ts';

type Handlers = {
  readonly [Kind in Message['kind']]: (state: CoreState, message: Extract<Message, { kind: Kind }>) => void;
};

const HANDLERS: Handlers = {
  'pre-vote-request': handlePreVoteRequest,
  'pre-vote-response': handlePreVoteResponse,
  'vote-request': handleVoteRequest,
  'vote-response': handleVoteResponse,
  'append-request': handleAppendRequest,
  'append-response': handleAppendResponse,
  'heartbeat-request': handleHeartbeatRequest,
  'heartbeat-response': handleHeartbeatResponse,
  'read-index-request': (state, { from, requestId }) => requestRead(state, from, requestId),
  'read-index-response': handleReadIndexResponse,
  'timeout-now': handleTimeoutNow,
};

/** Handles one message. Messages may be lost, repeated, late or out of order. */
export function step(state: CoreState, message: Message): void {
  if (message.to !== state.server || message.from === state.server) return;
  if (message.term < state.term) {
    // Tells a deposed leader the current term. Without it, it would send for ever.
    if (message.kind === 'append-request' || message.kind === 'heartbeat-request') refuse(state, message);
    if (message.kind === 'pre-vote-request') handlePreVoteRequest(state, message);
    return;
  }
  if (message.term > state.term && !admitLaterTerm(state, message)) return;
  const handle = HANDLERS[message.kind] as (state: CoreState, message: Message) => void;
  handle(state, message);
}

/** Moves to the later term where the message calls for it. False when the message must be ignored. */
function admitLaterTerm(state: CoreState, message: Message): boolean {
  switch (message.kind) {
    case 'pre-vote-request':
      // The term is only asked for (dissertation §9.6).
      return true;
    case 'pre-vote-response':
      if (!message.granted) becomeFollower(state, message.term, undefined);
      return true;
    case 'vote-request':
      // A server that was removed or cut off must not depose a living leader (trap 4).
      if (!message.leadershipTransfer && isLoyal(state)) return false;
      becomeFollower(state, message.term, undefined);
      return true;
    case 'append-request':
    case 'heartbeat-request':
      becomeFollower(state, message.term, message.from);
      return true;
    case 'vote-response':
    case 'append-response':
    case 'heartbeat-response':
    case 'read-index-request':
    case 'read-index-response':
    case 'timeout-now':
      becomeFollower(state, message.term, undefined);
      return true;
    default:
      return unreachable(message);
  }
}
