// Traps 21 to 24: snapshots, and what is installed with them.

import type { Mutant } from '../mutant.ts';

export const SNAPSHOTS: readonly Mutant[] = [
  {
    id: 'conflicting-tail-survives-the-install',
    subject: 21,
    file: 'src/raft/log.ts',
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
    file: 'src/node/replica.ts',
    edits: [
      {
        find: `    operations.push(putLogStart({ index: point.index, term: point.term }));
    addAll(operations, this.#logBlocks.restartAfter(point.index));`,
        replace: `    this.#writer.write(
      [
        putLogStart({ index: point.index, term: point.term }),
        ...this.#logBlocks.restartAfter(point.index),
      ],
      () => undefined,
    );`,
      },
    ],
    bug: 'An install moves the start of the log in one write, and the state in another.',
  },
  {
    id: 'applied-while-a-snapshot-is-installed',
    subject: 22,
    file: 'src/raft/take-ready.ts',
    edits: [
      {
        find: 'if (isRestoring || state.appliedIndex >= state.commitIndex) return NO_ENTRIES;',
        replace: 'if (state.appliedIndex >= state.commitIndex) return NO_ENTRIES;',
      },
      { find: '  const isRestoring = state.durableSequence < state.restoreSequence;\n', replace: '' },
    ],
    bug: 'Entries after a snapshot are applied before it has become the state.',
  },
  {
    id: 'failed-snapshot-is-not-reported',
    subject: 23,
    file: 'src/node/snapshots.ts',
    edits: [{ find: '      clock.after(RETRY_AFTER_MS, report);\n', replace: '' }],
    bug: 'The leader never learns that a snapshot failed, and its follower is forgotten.',
  },
  {
    id: 'snapshot-that-is-here-already-is-refused',
    subject: 23,
    file: 'src/node/snapshot-receiver.ts',
    edits: [
      {
        find: "this.#answer(channel, { kind: 'installed', index: frame.point.index });",
        replace: "this.#refuse(channel, 'it is here already');",
      },
    ],
    bug: 'A follower that has installed a snapshot refuses it when the answer was lost: it is sent for ever.',
  },
  {
    id: 'applied-index-apart-from-the-state',
    subject: 24,
    file: 'src/node/replica.ts',
    edits: [
      {
        find: '    operations.push(putApplied({ ...point, generation: this.state.generation }));\n    return point;',
        replace:
          '    this.#writer.write([putApplied({ ...point, generation: this.state.generation })], () => undefined);\n    return point;',
      },
    ],
    bug: 'The applied index is written before the rows that it speaks of.',
  },
  {
    id: 'hole-after-a-chunk-without-room',
    subject: 'snapshots',
    file: 'src/node/snapshot-receiver.ts',
    edits: [
      {
        find: '    if (this.#staging === staging) this.#staging = undefined;\n    this.#refuse(channel, error.message);',
        replace: '    this.#refuse(channel, error.message);',
      },
      {
        find: '#notStaged({ channel, staging }: Session, error: Error)',
        replace: '#notStaged({ channel }: Session, error: Error)',
      },
    ],
    bug: 'A transfer goes on behind a chunk that found no room.',
  },
  {
    id: 'rows-of-a-snapshot-not-counted',
    subject: 'snapshots',
    file: 'src/node/snapshot-receiver.ts',
    edits: [
      {
        find: 'if (session.rows !== expectedRows) {',
        replace: 'if (session.rows > expectedRows) {',
      },
    ],
    bug: 'A snapshot that lacks rows is installed.',
  },
  {
    id: 'seals-of-a-snapshot-not-compared',
    subject: 'snapshots',
    file: 'src/node/snapshot-rows.ts',
    edits: [
      {
        find: 'if (!isSealedBetween(bytes, from, end)) {',
        replace: 'if (!isSealedBetween(bytes, from, end) && from > end) {',
      },
    ],
    bug: 'Rows of a snapshot that were damaged at their sender, or on their way, are taken.',
  },
  {
    id: 'staged-rows-keep-their-seal',
    subject: 'snapshots',
    file: 'src/node/snapshot-rows.ts',
    edits: [
      {
        find: '      this.#reseal(bytes, keyAt, end);\n',
        replace: '      bytes.set(this.#toHead, keyAt);\n',
      },
    ],
    bug: 'Rows are staged with the seal of the generation that they had at their sender.',
  },
  {
    id: 'later-chunk-counts-before-an-earlier-one',
    subject: 'snapshots',
    file: 'src/node/snapshot-receiver.ts',
    edits: [
      {
        find: 'while (writing[0]?.isDurable === true) last = writing.shift();',
        replace: 'last = writing.splice(writing.indexOf(write), 1)[0];',
      },
    ],
    bug: 'A transfer goes on behind a chunk that is durable, though one before it is not.',
  },
  {
    id: 'rows-come-again-while-they-are-written',
    subject: 'snapshots',
    file: 'src/node/snapshot-receiver.ts',
    edits: [
      {
        find: 'if (beginning === undefined || this.#chunksWriting > 0) return;',
        replace: 'if (beginning === undefined) return;',
      },
    ],
    bug: 'A snapshot begins while rows that came before are still with the disk: the same rows are written twice at once.',
  },
  {
    id: 'first-row-of-a-chunk-skipped',
    subject: 'snapshots',
    file: 'src/node/snapshot-rows.ts',
    edits: [
      {
        find: '      if (count > 0) break;\n',
        replace: '      if (count > 0) {\n        lastKey = key;\n        break;\n      }\n',
      },
    ],
    bug: 'The row that no longer fits in a chunk is not in the next one either.',
  },
  {
    id: 'log-compacted-under-a-snapshot',
    subject: 'snapshots',
    file: 'src/node/snapshots.ts',
    edits: [
      {
        find: 'for (const sender of this.#senders.values()) floor = Math.min(floor, sender.point.index);',
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
    file: 'src/raft/follower.ts',
    edits: [
      {
        find: "if (state.role === 'leader' || point.index <= state.commitIndex) return false;",
        replace: "if (state.role === 'leader') return false;",
      },
    ],
    bug: 'A snapshot that is older than what is committed here is installed.',
  },
  {
    id: 'garbage-is-looked-for-once',
    subject: 'snapshots',
    file: 'src/node/state-store.ts',
    edits: [
      {
        find: `    this.#isClean = false;
    this.#stagingGeneration`,
        replace: '    this.#stagingGeneration',
      },
    ],
    bug: 'The rows that a snapshot replaces stay on the disk for ever.',
  },
  {
    id: 'rows-of-the-old-state-are-kept',
    subject: 'snapshots',
    file: 'src/node/state-store.ts',
    edits: [{ find: '    this.#cache.clear();\n', replace: '' }],
    bug: 'After a snapshot rows that were read before it are still given.',
  },
];
