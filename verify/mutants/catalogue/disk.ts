// Traps 28 to 33: the disk, and what it may do.

import type { Mutant } from '../mutant.ts';

export const DISK: readonly Mutant[] = [
  {
    id: 'parent-directories-not-synced',
    subject: 28,
    file: 'src/engines/raft/storage/data-directory.ts',
    edits: [{ find: 'if (firstMade !== undefined) {', replace: "if (firstMade === '') {" }],
    bug: 'The directories above a new data directory are not synced: a loss of power takes it away.',
  },
  {
    id: 'journal-segment-named-and-not-synced',
    subject: 28,
    file: 'src/engines/raft/storage/journal/journal-segments.ts',
    edits: [{ find: 'await syncInBackground(directory);', replace: '' }],
    bug: 'The directory is not synced after a segment of the journal got its name.',
  },
  {
    id: 'data-file-named-before-it-is-synced',
    subject: 28,
    file: 'src/engines/raft/storage/open-store.ts',
    edits: [
      {
        find: 'sync(newPath);',
        replace: '',
      },
    ],
    bug: 'The new data file gets its name while its content may not be on disk.',
  },
  {
    id: 'damaged-last-entry-is-cut-off',
    subject: 29,
    file: 'src/engines/raft/node/log/log-load.ts',
    edits: [
      {
        find: '  for (const { key, value } of store.range(ALL_BLOCKS)) scan.block(key, value);\n',
        replace: `  try {
    for (const { key, value } of store.range(ALL_BLOCKS)) scan.block(key, value);
  } catch (error) {
    if (applied.index > scan.lastLog.index) throw error;
  }
`,
      },
    ],
    bug: 'A damaged entry counts as a torn tail: it and all later ones are dropped silently.',
  },
  {
    id: 'truncated-block-loses-its-beginning',
    subject: 'storage',
    file: 'src/engines/raft/node/log/log-blocks.ts',
    edits: [
      {
        find: 'const kept = from === this.#first ? 0 : this.#startsThrough(from - 1);',
        replace: 'const kept = Math.max(0, this.#startsThrough(from - 1) - 1);',
      },
    ],
    bug: 'A truncation within a block deletes it whole: entries before it, committed ones too, are gone.',
  },
  {
    id: 'truncated-block-stays-whole',
    subject: 'storage',
    file: 'src/engines/raft/node/log/log-blocks.ts',
    edits: [
      {
        find: 'if (straddling.first < from && kept > 0) operations.push(this.#beginning(straddling.first, from));',
        replace: '',
      },
    ],
    bug: 'A truncation within a block leaves it whole: entries of a leader that lost are on the disk beside the new ones.',
  },
  {
    id: 'truncated-block-keeps-one-entry-too-many',
    subject: 'storage',
    file: 'src/engines/raft/node/log/log-blocks.ts',
    edits: [{ find: 'offsetInBlock(payload, end)', replace: 'offsetInBlock(payload, end + 1)' }],
    bug: 'A truncation within a block keeps one entry too many.',
  },
  {
    id: 'compaction-deletes-the-block-of-the-start',
    subject: 'storage',
    file: 'src/engines/raft/node/log/log-blocks.ts',
    edits: [
      {
        find: 'index >= this.#last ? this.#starts.length : this.#startsThrough(index + 1) - 1',
        replace: 'index >= this.#last ? this.#starts.length : this.#startsThrough(index)',
      },
    ],
    bug: 'A compaction deletes the block that holds the entry after the start of the log.',
  },
  {
    id: 'decoded-block-outlives-a-truncation',
    subject: 'storage',
    file: 'src/engines/raft/node/log/log-blocks.ts',
    edits: [
      {
        find: `    this.#decoded = NO_ENTRIES;
    const straddling`,
        replace: '    const straddling',
      },
    ],
    bug: 'Entries that a truncation has replaced are still read from the block that was decoded last.',
  },
  {
    id: 'block-decoded-beyond-a-truncation',
    subject: 'storage',
    file: 'src/engines/raft/node/log/log-blocks.ts',
    edits: [
      {
        find: 'return entries.length > count ? entries.slice(0, count) : entries;',
        replace: 'return entries;',
      },
    ],
    bug: 'A block that is decoded while its truncation is under way keeps the entries that go.',
  },
  {
    id: 'journal-damage-cut-as-a-tail',
    subject: 29,
    file: 'src/engines/raft/storage/journal/journal-recovery.ts',
    edits: [
      {
        find: 'if (isTorn(bytes, position)) return false;',
        replace: 'if (position >= 0) return false;',
      },
    ],
    bug: 'A last frame that was whole and is damaged counts as one that a crash cut off.',
  },
  {
    id: 'journal-released-before-the-checkpoint',
    subject: 24,
    file: 'src/engines/raft/storage/journal/checkpoints.ts',
    edits: [
      {
        find: '    this.#writeSlice(checkpoint);\n  }\n\n  /**',
        replace: '    this.#release(checkpoint.through);\n    this.#writeSlice(checkpoint);\n  }\n\n  /**',
      },
    ],
    bug: 'Segments are used again while LMDB does not have their rows yet.',
  },
  {
    id: 'record-checksum-not-compared',
    subject: 30,
    file: 'src/engines/raft/codec/sealed-record.ts',
    edits: [
      {
        find: 'if (crc32(payload, crc32(key)) !== stored)',
        replace: 'if (stored < 0)',
      },
    ],
    bug: 'Values are read without checking their checksums.',
  },
  {
    id: 'checksum-without-the-key',
    subject: 30,
    file: 'src/engines/raft/codec/sealed-record.ts',
    edits: [
      {
        find: 'const checksum = crc32Between(sealed, 0, end, crc32(key));',
        replace: 'const checksum = crc32Between(sealed, 0, end);',
      },
      { find: 'if (crc32(payload, crc32(key)) !== stored)', replace: 'if (crc32(payload) !== stored)' },
    ],
    bug: 'A value under the key of another one is accepted.',
  },
  {
    id: 'data-file-not-verified',
    subject: 30,
    file: 'src/engines/raft/storage/open-store.ts',
    edits: [
      {
        find: 'const { isRolledBack } = verifyDataFile(path, checkRow);',
        replace:
          'const { isRolledBack } = checkRow === undefined ? verifyDataFile(path) : { isRolledBack: false };',
      },
    ],
    bug: 'LMDB maps a data file that was not verified.',
  },
  {
    id: 'rollback-passes-for-the-last-state',
    subject: 30,
    file: 'src/engines/raft/storage/check/verify-data-file.ts',
    edits: [
      {
        find: 'return found !== before.transaction;',
        replace: 'return found !== before.transaction && found === 0;',
      },
    ],
    bug: 'An image whose last transaction was rolled back by damage is accepted.',
  },
  {
    id: 'flush-skipped',
    subject: 31,
    file: 'src/engines/raft/storage/lmdb/data-file.ts',
    edits: [{ find: 'overlappingSync: false,', replace: 'overlappingSync: false,\n    noSync: true,' }],
    bug: 'LMDB commits without any flush: a loss of power takes what was carried over.',
  },
  {
    id: 'journal-acknowledged-before-the-flush',
    subject: 31,
    file: 'src/engines/raft/storage/journal/journal.ts',
    edits: [
      {
        find: 'fdatasync(descriptor, onFlush);',
        replace: 'fdatasync(descriptor, () => undefined);\n    setImmediate(onFlush, null);',
      },
    ],
    bug: 'A write is reported as done before its frame is flushed.',
  },
  {
    id: 'acknowledged-before-the-flush',
    subject: 31,
    file: 'src/engines/raft/storage/lmdb/lmdb-store.ts',
    edits: [
      {
        find: 'await this.#database.batch(() => {',
        replace: 'void this.#database.batch(() => {',
      },
      {
        find: 'await this.#database.flushed;',
        replace: 'await nextTurn();',
      },
    ],
    bug: 'A checkpoint counts as carried over before LMDB has committed it.',
  },
  {
    id: 'overlapping-syncs',
    subject: 31,
    file: 'src/engines/raft/storage/lmdb/data-file.ts',
    edits: [{ find: 'overlappingSync: false,', replace: 'overlappingSync: true,' }],
    bug: 'A commit is visible, and may be half on disk, before it is flushed.',
  },
  {
    id: 'leader-with-a-dead-disk-goes-on',
    subject: 32,
    file: 'src/engines/raft/core/replication.ts',
    edits: [
      {
        find: "if (state.writeTicks >= state.options.electionTicks) return 'disk-stalled';",
        replace: '',
      },
    ],
    bug: 'A leader whose disk does not answer goes on leading, and nothing commits.',
  },
  {
    id: 'candidate-with-a-dead-disk',
    subject: 32,
    file: 'src/engines/raft/core/election.ts',
    edits: [
      {
        find: `    state.durableSequence >= state.restoreSequence &&
    state.writeTicks < state.options.electionTicks`,
        replace: '    state.durableSequence >= state.restoreSequence',
      },
    ],
    bug: 'A server whose disk does not answer stands for election.',
  },
  {
    id: 'write-dropped-by-a-full-disk',
    subject: 33,
    file: 'src/engines/raft/node/disk-writer.ts',
    edits: [
      {
        find: 'this.#retry = clock.after(RETRY_AFTER_MS, () => this.#next());',
        replace: `this.#retry = clock.after(RETRY_AFTER_MS, () => {
      this.#queue.shift()?.done();
      this.#next();
    });`,
      },
    ],
    bug: 'A write that found the disk full is dropped and reported as done.',
  },
  {
    id: 'full-disk-ends-the-node',
    subject: 33,
    file: 'src/engines/raft/node/disk-writer.ts',
    edits: [
      {
        find: "if (!(error instanceof CodedError) || error.code !== 'disk_full') {",
        replace: "if (!(error instanceof CodedError) || error.code === 'disk_full') {",
      },
    ],
    bug: 'A node whose disk is full stops instead of waiting for free space.',
  },
  {
    id: 'proposals-taken-on-the-reserve',
    subject: 33,
    file: 'src/engines/raft/node/requests/forwarding.ts',
    edits: [
      {
        find: 'replica.isDiskFull || freeBytes < reserveBytes',
        replace: 'replica.isDiskFull || freeBytes + reserveBytes < 0',
      },
    ],
    bug: 'Proposals use up the disk space reserved for votes and membership changes.',
  },
];
