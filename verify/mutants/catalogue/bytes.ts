// Other bytes that are stored and sent.

import type { Mutant } from '../mutant.ts';

export const BYTES: readonly Mutant[] = [
  {
    id: 'two-processes-on-one-directory',
    subject: 'storage',
    file: 'src/engines/raft/storage/directory-lock.ts',
    edits: [{ find: 'if (child.status === 0) return;', replace: 'if (child.status !== null) return;' }],
    bug: 'A second process opens the store that another one writes.',
  },
  {
    id: 'log-keys-little-endian',
    subject: 'storage',
    file: 'src/shared/big-endian.ts',
    edits: [
      {
        find: 'for (let at = to - 1; at >= from; at--) {',
        replace: 'for (let at = from; at < to; at++) {',
      },
      {
        find: 'for (let at = from; at < to; at++) value',
        replace: 'for (let at = to - 1; at >= from; at--) value',
      },
    ],
    bug: 'Keys are not in the order of the indexes: entry 256 stands before entry 1.',
  },
  {
    id: 'frame-checksum-not-compared',
    subject: 'codec',
    file: 'src/engines/raft/codec/frame.ts',
    edits: [
      {
        find: 'if (crc32(payload) !== u32At(this.#header, 4))',
        replace: 'if (crc32(payload) < 0)',
      },
    ],
    bug: 'A message that was damaged on the wire is accepted.',
  },
  {
    id: 'frame-length-not-checked',
    subject: 'codec',
    file: 'src/engines/raft/codec/frame.ts',
    edits: [
      {
        find: 'if ((word & 0xff) !== lengthCheck(length))',
        replace: 'if (lengthCheck(length) < 0)',
      },
    ],
    bug: 'A damaged length leaves the reader waiting for bytes that never come.',
  },
];
