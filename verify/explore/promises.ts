// The promises of a message about its sender's disk, checked when the message is sent (figure 2: 'before
// responding').

import type { Message } from '../../src/engines/raft/core/message.ts';
import { type DiskImage, holds } from './explored-disk.ts';

/**
 * Returns the promise that `message` breaks, given the sender's disk and log; undefined when it breaks none.
 */
export function promiseBrokenBy(
  message: Message,
  disk: DiskImage,
  termAt: (index: number) => number | undefined,
): string | undefined {
  const { term, votedFor } = disk.hardState;
  if (tellsOwnTerm(message) && term < message.term) {
    return `durable promises: ${message.kind} contains term ${message.term} before it is on disk`;
  }
  switch (message.kind) {
    case 'vote-request':
      if (term !== message.term || votedFor !== message.from) {
        return 'durable promises: a candidacy before its own vote is on disk';
      }
      return holds(disk, message.lastLogIndex, message.lastLogTerm)
        ? undefined
        : 'durable promises: a candidacy with a log that is not on disk';
    case 'vote-response':
      return message.granted && (term !== message.term || votedFor !== message.to)
        ? 'durable promises: a vote before it is on disk'
        : undefined;
    case 'append-response': {
      const acknowledged = termAt(message.index);
      return message.success && (acknowledged === undefined || !holds(disk, message.index, acknowledged))
        ? `durable promises: entry ${message.index} acknowledged before it is on disk`
        : undefined;
    }
    default:
      return undefined;
  }
}

function tellsOwnTerm(message: Message): boolean {
  switch (message.kind) {
    // A leader may send its term and entries before they are on its own disk: durable votes elected it.
    case 'pre-vote-request':
    case 'read-index-request':
    case 'read-index-response':
      return false;
    case 'pre-vote-response':
      return !message.granted;
    default:
      return true;
  }
}
