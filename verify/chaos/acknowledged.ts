// Operations that clients send over HTTP, and the promise of an acknowledged write to later reads. A read
// sees one collection, because no request of the API sees a whole workcell.

import { type CollectionRead, statusRank, type WriteOperation } from '../kit/farm-model.ts';

export type Operation = WriteOperation | CollectionRead;

/** Whether an answered write took effect. A refusal by a rule of the farm is an answer, too. */
export function tookEffect(result: string): boolean {
  return result.startsWith('created') || result.startsWith('changed');
}

/** Whether a read that returned `seen` shows this write, which took effect before the read began. */
export function shows(read: CollectionRead, seen: string, write: WriteOperation): boolean {
  switch (read.kind) {
    case 'read-printer':
      return write.kind !== 'add-printer' || seen === 'there';
    case 'read-spool':
      return write.kind !== 'add-spool' || seen !== 'none';
    case 'read-jobs': {
      if (write.kind !== 'add-job' && write.kind !== 'set-status') return true;
      const job = seen.split(' ').find((text) => text.startsWith(`${write.job}:`));
      const status = job?.split(':')[1];
      if (status === undefined) return false;
      if (write.kind === 'add-job') return true;
      const isEnd = statusRank(write.status) === 2;
      return isEnd ? status === write.status : statusRank(status) >= statusRank(write.status);
    }
  }
}
