// Sorted sets of ids in the replicated state, stored in blocks. A million ids take some ten thousand rows,
// and adding or deleting one id writes one small row.
//
// | key | value |
// |---|---|
// | `<set>` | the last block: the ids above those of all other blocks |
// | `b/<set><bound>` | another block: ids below its bound, which is an id, from the bound before on |
//
// The value is the block's ids, ascending by their UTF-8 bytes, separated by U+007F, which no id contains.
//
// Most ids are added above all existing ones, so the last block has a fixed key. It begins with U+007F if
// other blocks may exist, which saves a look at them. Such a last block stays when it is empty; no other
// block is ever empty. The keys of all last blocks are adjacent: they are written most often, and few pages
// of the store hold them.

import { assert } from '../shared/assert.ts';
import { compareUtf8 } from '../shared/utf8-order.ts';
import type { StateReader, StateView } from './state-view.ts';

/** A changed block is written whole, and a dozen fit in a page. Two ids of maximum length may exceed this. */
const MAX_BLOCK_CHARACTERS = 320;
const SEPARATOR = '\u007f';
/** The prefix of the keys of all blocks except last blocks. For tests: they count the blocks. */
export const BOUNDED_BLOCKS = 'b/';

interface Block {
  readonly key: string;
  readonly ids: readonly string[];
  /** Whether other blocks may exist. Only set for the last block. */
  readonly hasBefore: boolean;
}

/** Adds an id that is not in the set. No name of a set may be a prefix of another. */
export function addId(view: StateView, set: string, id: string): void {
  const last = view.get(set) as string | undefined;
  if (last !== undefined && isAboveAll(id, last)) append(view, { set, last, id });
  else insert(view, set, id);
}

/** Appends to the last block, the most frequent case. Ascending ids leave full blocks behind. */
function append(view: StateView, { set, last, id }: { set: string; last: string; id: string }): void {
  if (last.length + SEPARATOR.length + id.length <= MAX_BLOCK_CHARACTERS) {
    view.put(set, last + SEPARATOR + id);
    return;
  }
  view.put(boundedKey(set, id), last.startsWith(SEPARATOR) ? last.slice(SEPARATOR.length) : last);
  view.put(set, SEPARATOR + id);
}

/** Whether `id` is above all ids of the last block `text`. False for an empty block, which cannot tell. */
function isAboveAll(id: string, text: string): boolean {
  const greatest = text.slice(text.lastIndexOf(SEPARATOR) + 1);
  return greatest !== '' && compareUtf8(greatest, id) < 0;
}

function insert(view: StateView, set: string, id: string): void {
  const { key, ids, hasBefore } = blockFor(view, set, id);
  const all = ids.toSpliced(ids.findLastIndex((other) => compareUtf8(other, id) < 0) + 1, 0, id);
  if (all.length === 1 || (SEPARATOR + all.join(SEPARATOR)).length <= MAX_BLOCK_CHARACTERS) {
    putBlock(view, { key, ids: all, hasBefore });
    return;
  }
  const middle = all.length >> 1;
  putBlock(view, { key: boundedKey(set, all[middle] ?? ''), ids: all.slice(0, middle), hasBefore: false });
  putBlock(view, { key, ids: all.slice(middle), hasBefore: key === set });
}

/** Deletes an id that is in the set. */
export function deleteId(view: StateView, set: string, id: string): void {
  const { key, ids, hasBefore } = blockFor(view, set, id);
  const others = ids.filter((other) => other !== id);
  assert(others.length === ids.length - 1, `${id} is not in the set ${set}`);
  if (others.length > 0 || hasBefore) putBlock(view, { key, ids: others, hasBefore });
  else view.delete(key);
  if (others.length > 0 || lastBlock(view, set)?.ids.length !== 0) return;
  // The last block is empty: the set is too, unless there is another block.
  for (const _ of boundedBlocks(view, set, '')) return;
  view.delete(set);
}

/** Returns the ids after `after`, in order. As lazy as `range`, and valid as long. */
export function* idsOf(reader: StateReader, set: string, after?: string): Generator<string> {
  const last = lastBlock(reader, set);
  if (last?.hasBefore === true) {
    // A block with a bound above `after` may hold ids from there on.
    for (const { ids } of boundedBlocks(reader, set, after ?? '')) yield* idsAfter(ids, after);
  }
  if (last !== undefined) yield* idsAfter(last.ids, after);
}

/** Returns the block that contains the id, or into which it belongs. */
function blockFor(reader: StateReader, set: string, id: string): Block {
  const last = lastBlock(reader, set);
  if (last === undefined) return { key: set, ids: [], hasBefore: false };
  const [first] = last.ids;
  const isInLast = first !== undefined && compareUtf8(first, id) <= 0;
  if (last.hasBefore && !isInLast) {
    for (const block of boundedBlocks(reader, set, id)) return block;
  }
  return last;
}

function lastBlock(reader: StateReader, set: string): Block | undefined {
  const text = reader.get(set) as string | undefined;
  if (text === undefined) return undefined;
  const hasBefore = text.startsWith(SEPARATOR);
  return { key: set, ids: idsIn(hasBefore ? text.slice(SEPARATOR.length) : text), hasBefore };
}

/** Returns the blocks with a bound above `id`, in order. */
function* boundedBlocks(reader: StateReader, set: string, id: string): Generator<Block> {
  for (const [key, row] of reader.range({ prefix: boundedKey(set, ''), after: boundedKey(set, id) })) {
    yield { key, ids: idsIn(row as string), hasBefore: false };
  }
}

function boundedKey(set: string, bound: string): string {
  return BOUNDED_BLOCKS + set + bound;
}

function putBlock(view: StateView, { key, ids, hasBefore }: Block): void {
  view.put(key, (hasBefore ? SEPARATOR : '') + ids.join(SEPARATOR));
}

function idsAfter(ids: readonly string[], after: string | undefined): readonly string[] {
  return after === undefined ? ids : ids.filter((id) => compareUtf8(id, after) > 0);
}

function idsIn(text: string): readonly string[] {
  return text === '' ? [] : text.split(SEPARATOR);
}
