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
import { handleAppendResponse, handleHeartbeatResponse, handleReadIndexRequest } from './replication.ts';
import { becomeFollower } from './roles.ts';
import type { CoreState } from './state.ts';

/** Handles one message. Messages may be lost, repeated, late or out of order. */
export function step(state: CoreState, message: Message): void {
  if (message.to !== state.server || message.from === state.server) return;
  if (message.term > state.term) {
    if (!admitLaterTerm(state, message)) return;
  } else if (message.term < state.term) {
    answerEarlierTerm(state, message);
    return;
  }
  dispatch(state, message);
}

/** Moves to the later term where the message calls for it. False when the message must be ignored. */
function admitLaterTerm(state: CoreState, message: Message): boolean {
  switch (message.kind) {
    case 'pre-vote-request':
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

function answerEarlierTerm(state: CoreState, message: Message): void {
  // Tells a deposed leader the current term. Without it, it would send for ever.
  if (message.kind === 'append-request' || message.kind === 'heartbeat-request') refuse(state, message);
  if (message.kind === 'pre-vote-request') handlePreVoteRequest(state, message);
}

function dispatch(state: CoreState, message: Message): void {
  switch (message.kind) {
    case 'pre-vote-request':
      handlePreVoteRequest(state, message);
      break;
    case 'pre-vote-response':
      handlePreVoteResponse(state, message);
      break;
    case 'vote-request':
      handleVoteRequest(state, message);
      break;
    case 'vote-response':
      handleVoteResponse(state, message);
      break;
    case 'append-request':
      handleAppendRequest(state, message);
      break;
    case 'append-response':
      handleAppendResponse(state, message);
      break;
    case 'heartbeat-request':
      handleHeartbeatRequest(state, message);
      break;
    case 'heartbeat-response':
      handleHeartbeatResponse(state, message);
      break;
    case 'read-index-request':
      handleReadIndexRequest(state, message);
      break;
    case 'read-index-response':
      handleReadIndexResponse(state, message);
      break;
    case 'timeout-now':
      handleTimeoutNow(state, message);
      break;
    default:
      unreachable(message);
  }
}
