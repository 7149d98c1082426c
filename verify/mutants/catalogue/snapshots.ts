// Traps 21 to 24: snapshots and their installation.

import type { Mutant } from '../mutant.ts';

export const SNAPSHOTS: readonly Mutant[] = [
  {
    id: 'conflicting-tail-survives-the-install',
    subject: 21,
    file: 'src/engines/raft/core/log.ts',
    edits: [
      {
        find: `    this.#start = position;
    this.#window = [];
    this.#windowBytes = 0;
    this.#windowStart = position.index + 1;`,
        replace: `    this.#start = position;
    this.#window = this.#window.filter((entry) => entry.index > position.index);
    this.#windowBytes = this.#window.reduce((sum, entry) => sum + entrySizeBytes(entry), 0);
    this.#windowStart = position.index + 1;`,
      },
    ],
    bug: 'Entries above the snapshot are kept, though they conflict with it.',
  },
  {
    id: 'log-switched-before-the-state',
    subject: 22,
    file: 'src/engines/raft/node/replica.ts',
    edits: [
      {
        find: 'operations.push(putLogStart({ index: snapshot.index, term: snapshot.term }));',
        replace:
          'this.#writer.write({ operations: [putLogStart({ index: snapshot.index, term: snapshot.term })] }, () => undefined);',
      },
    ],
    bug: 'An install moves the start of the log in one write, and the state in another.',
  },
  {
    id: 'applied-while-a-snapshot-is-installed',
    subject: 22,
    file: 'src/engines/raft/core/take-ready.ts',
    edits: [
      {
        find: 'if (isRestoring || state.appliedIndex >= state.commitIndex) return NO_ENTRIES;',
        replace: 'if (state.appliedIndex >= state.commitIndex) return NO_ENTRIES;',
      },
      { find: 'const isRestoring = state.durableSequence < state.restoreSequence;', replace: '' },
    ],
    bug: 'Entries after a snapshot are applied before it has become the state.',
  },
  {
    id: 'failed-snapshot-is-not-reported',
    subject: 23,
    file: 'src/engines/raft/node/snapshots/snapshots.ts',
    edits: [{ find: 'clock.after(RETRY_AFTER_MS, report);', replace: '' }],
    bug: 'The leader never learns that a snapshot failed, and its follower is forgotten.',
  },
  {
    id: 'snapshot-that-is-here-already-is-refused',
    subject: 23,
    file: 'src/engines/raft/node/snapshots/snapshot-receiver.ts',
    edits: [
      {
        find: "this.#answer(channel, { kind: 'installed', index });",
        replace: "this.#refuse(channel, 'it is here already');",
      },
    ],
    bug: 'A follower that has installed a snapshot refuses it when the answer was lost: it is sent for ever.',
  },
  {
    id: 'applied-index-apart-from-the-state',
    subject: 24,
    file: 'src/engines/raft/node/replica.ts',
    edits: [
      {
        find: 'this.state.addFlush(operations);',
        replace: 'this.state.addFlush(operations);\n    this.write(operations.splice(-1));',
      },
    ],
    bug: 'The applied index is written before the rows that it covers.',
  },
  {
    id: 'hole-after-a-chunk-without-room',
    subject: 'snapshots',
    file: 'src/engines/raft/node/snapshots/snapshot-receiver.ts',
    edits: [
      {
        find: '    const { channel } = arrival;\n    this.#giveUp();\n    this',
        replace: '    const { channel } = arrival;\n    this',
      },
    ],
    bug: 'A transfer goes on behind a chunk that found the disk full.',
  },
  {
    id: 'chunk-given-back-before-it-is-taken',
    subject: 'snapshots',
    file: 'src/engines/raft/node/snapshots/snapshot-receiver.ts',
    edits: [
      { find: 'channel?.giveBack(bytes);', replace: '' },
      {
        find: 'staging.append(bytes, (error) => {',
        replace: 'channel?.giveBack(bytes);\n    staging.append(bytes, (error) => {',
      },
    ],
    bug: 'The memory of a chunk is used for the next one while the store has not taken it.',
  },
  {
    id: 'image-of-another-point-is-installed',
    subject: 'snapshots',
    file: 'src/engines/raft/node/snapshots/snapshot-receiver.ts',
    edits: [
      {
        find: 'if (isSamePoint(applied, point)) return applied;',
        replace: 'if (applied.index >= 0) return applied;',
      },
    ],
    bug: 'The point of an image is not compared with the one that its sender announced.',
  },
  {
    id: 'rows-of-an-image-not-checked',
    subject: 'snapshots',
    file: 'src/engines/raft/storage/images/staged-image.ts',
    edits: [
      {
        find: 'verifyImage(this.#path, checkRow), ',
        replace: 'verifyImage(this.#path, checkRow && (() => undefined)), ',
      },
    ],
    bug: 'Rows of a snapshot that were damaged at the sender or on the way are accepted.',
  },
  {
    id: 'leaf-of-damaged-rows-is-sound',
    subject: 'snapshots',
    file: 'src/engines/raft/storage/check/leaf-check.ts',
    edits: [
      {
        find: 'this.#exports?.areSound(PAGES_AT + start, pageBytes) === 1',
        replace: '(this.#exports?.areSound(PAGES_AT + start, pageBytes) ?? 0) >= 0',
      },
    ],
    bug: 'A page with a damaged row counts as one whose rows match their seals.',
  },
  {
    id: 'image-in-the-middle-of-a-checkpoint',
    subject: 'snapshots',
    file: 'src/engines/raft/storage/journal/checkpoints.ts',
    edits: [
      {
        find: 'if (pause === undefined || this.#isPaused || this.#underWay !== undefined) return;',
        replace: 'if (pause === undefined || this.#isPaused) return;',
      },
      {
        find: '      this.begin();\n      if (this.#underWay !== undefined) return;\n    }',
        replace: '      this.begin();\n    }',
      },
    ],
    bug: 'An image has some rows of a checkpoint that is under way, and lacks others.',
  },
  {
    id: 'meta-pages-of-an-image-as-they-are-now',
    subject: 'snapshots',
    file: 'src/engines/raft/storage/images/tree-image.ts',
    edits: [{ find: 'bytes.set(this.#metaPages.subarray(offset, offset + length));', replace: '' }],
    bug: 'An image has the meta pages of when they are read, and older tree pages.',
  },
  {
    id: 'layers-survive-the-adoption',
    subject: 'snapshots',
    file: 'src/engines/raft/storage/journal/checkpoints.ts',
    edits: [
      {
        find: '    this.#active = new RowLayer();\n    this.#release',
        replace: '    this.#release',
      },
    ],
    bug: 'Rows of the journal hide those of the adopted image, and overwrite them.',
  },
  {
    id: 'name-of-an-adopted-image-not-flushed',
    subject: 28,
    file: 'src/engines/raft/storage/images/staged-image.ts',
    edits: [{ find: 'await syncInBackground(directory);', replace: '' }],
    bug: 'After a loss of power the data file is the old one, and the journal goes on behind the image.',
  },
  {
    id: 'images-stay-open-under-an-install',
    subject: 'snapshots',
    file: 'src/engines/raft/node/snapshots/snapshots.ts',
    edits: [
      {
        find: 'if (isWanted) this',
        replace: 'if (isWanted && this.#senders.size < 0) this',
      },
    ],
    bug: 'A former leader goes on sending an image of the store that it replaces.',
  },
  {
    id: 'garbage-deleted-under-an-install',
    subject: 'snapshots',
    file: 'src/engines/raft/node/replica.ts',
    edits: [
      {
        find: 'if (this.state.isAdopting || !this.#writer.isIdle) return;',
        replace: '',
      },
    ],
    bug: 'Rows that are garbage of the old state are deleted from the new one.',
  },
  {
    id: 'garbage-is-looked-for-once',
    subject: 'snapshots',
    file: 'src/engines/raft/node/state/state-store.ts',
    edits: [
      {
        find: '    this.#generation = generation;\n    this.#isClean = false;\n',
        replace: '    this.#generation = generation;\n',
      },
    ],
    bug: 'Garbage rows of the node that an image is from stay on disk for ever.',
  },
  {
    id: 'log-compacted-under-a-snapshot',
    subject: 'snapshots',
    file: 'src/engines/raft/node/snapshots/snapshots.ts',
    edits: [
      {
        find: 'for (const sender of this.#senders.values()) floor = Math.min(floor, sender.point?.index ?? 0);',
        replace: '',
      },
      {
        find: 'if (match !== undefined) floor = Math.min(floor, match);',
        replace: 'if (match !== undefined) floor = Math.min(floor, Number.POSITIVE_INFINITY);',
      },
    ],
    bug: 'A leader compacts what a follower needs next while its snapshot is on the way.',
  },
  {
    id: 'state-goes-back-to-an-older-snapshot',
    subject: 'snapshots',
    file: 'src/engines/raft/core/follower.ts',
    edits: [
      {
        find: "if (state.role === 'leader' || point.index <= state.commitIndex) return false;",
        replace: "if (state.role === 'leader') return false;",
      },
    ],
    bug: 'A snapshot that is older than what is committed here is installed.',
  },
  {
    id: 'rows-of-the-old-state-are-kept',
    subject: 'snapshots',
    file: 'src/engines/raft/node/state/state-store.ts',
    edits: [{ find: 'this.#cache.clear();', replace: '' }],
    bug: 'After a snapshot, readers still get rows that were cached before it.',
  },
];
