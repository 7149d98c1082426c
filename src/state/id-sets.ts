// Sets of ids in the replicated state, each in order and in blocks: a million ids are some ten thousand rows, and one that
// is added or taken away is one small row written.
//
// | key | value |
// |---|---|
// | `<set>` | the last block: the ids above those of all others |
// | `b/<set><bound>` | a block: ids below its bound, an id too, and not below the bound of the block before |
//
// The value is the block's ids, ascending by their UTF-8 bytes, with U+007F between them, which no id contains. The last
// block has a key that is known, since most ids are added above all that are there; it begins with U+007F where there may be
// others before it, so that mostly nobody has to look. Then it stays when it is empty, which no other block is. The last
// blocks of all sets stand together: they are what is written again and again, and so few pages of the store have them all.

import { assert } from '../shared/assert.ts';
import { compareUtf8 } from '../shared/utf8-order.ts';
import type { StateReader, StateView } from './state-view.ts';

/** A block is written whole whenever it changes, and a dozen fit in a page. Two ids of the greatest length may be more. */
const MAX_BLOCK_CHARACTERS = 320;
const SEPARATOR = '\u007f';
/** What the keys of all blocks but the last ones begin with. */
export const BOUNDED_BLOCKS = 'b/';

interface Block {
  readonly key: string;
  readonly ids: readonly string[];
  /** Of the last block: there may be others before it. */
  readonly hasBefore: boolean;
}

/** No set's name is the beginning of another's. The id must not be in it. */
export function addId(view: StateView, set: string, id: string): void {
  const last = view.get(set) as string | undefined;
  if (last !== undefined && isAboveAll(id, last)) append(view, { set, last, id });
  else insert(view, set, id);
}

/** Where most ids go: without a look at the others. Ids that ascend leave full blocks behind them. */
function append(view: StateView, { set, last, id }: { set: string; last: string; id: string }): void {
  if (last.length + SEPARATOR.length + id.length <= MAX_BLOCK_CHARACTERS) {
    view.put(set, last + SEPARATOR + id);
    return;
  }
  view.put(boundedKey(set, id), last.startsWith(SEPARATOR) ? last.slice(SEPARATOR.length) : last);
  view.put(set, SEPARATOR + id);
}

/** `text` is the last block. An empty one does not tell. */
function isAboveAll(id: string, text: string): boolean {
  const greatest = text.slice(text.lastIndexOf(SEPARATOR) + 1);
  return greatest !== '' && compareUtf8(greatest, id) < 0;
}

function insert(view: StateView, set: string, id: string): void {
  const { key, ids, hasBefore } = blockFor(view, set, id);
  const all = ids.toSpliced(placeOf(ids, id), 0, id);
  if (all.length === 1 || lengthOf(all) <= MAX_BLOCK_CHARACTERS) {
    putBlock(view, { key, ids: all, hasBefore });
    return;
  }
  const middle = all.length >> 1;
  putBlock(view, { key: boundedKey(set, all[middle] ?? ''), ids: all.slice(0, middle), hasBefore: false });
  putBlock(view, { key, ids: all.slice(middle), hasBefore: key === set });
}

/** The id must be in the set. */
export function deleteId(view: StateView, set: string, id: string): void {
  const { key, ids, hasBefore } = blockFor(view, set, id);
  const others = ids.filter((other) => other !== id);
  assert(others.length === ids.length - 1, `${id} is not in the set that it is to be taken from`);
  if (others.length > 0 || hasBefore) putBlock(view, { key, ids: others, hasBefore });
  else view.delete(key);
  if (others.length === 0) maybeDeleteLast(view, set);
}

/** The last block goes when nothing is left in it nor before it. */
function maybeDeleteLast(view: StateView, set: string): void {
  const last = lastBlock(view, set);
  if (last === undefined || last.ids.length > 0) return;
  for (const _ of boundedBlocks(view, set, '')) return;
  view.delete(set);
}

/** The ids after `after`, in order. As lazy as `range`, and valid as long. */
export function* idsOf(reader: StateReader, set: string, after?: string): Generator<string> {
  const last = lastBlock(reader, set);
  if (last?.hasBefore === true) {
    // A block with a bound above `after` may hold ids from there on.
    for (const { ids } of boundedBlocks(reader, set, after ?? '')) yield* idsAfter(ids, after);
  }
  if (last !== undefined) yield* idsAfter(last.ids, after);
}

/** The block that has the id, or would have it. */
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

/** Those with a bound above `id`, in order. */
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

/** How many ids stand before `id`. */
function placeOf(ids: readonly string[], id: string): number {
  return ids.findLastIndex((other) => compareUtf8(other, id) < 0) + 1;
}

function idsAfter(ids: readonly string[], after: string | undefined): readonly string[] {
  return after === undefined ? ids : ids.filter((id) => compareUtf8(id, after) > 0);
}

function idsIn(text: string): readonly string[] {
  return text === '' ? [] : text.split(SEPARATOR);
}

function lengthOf(ids: readonly string[]): number {
  return ids.reduce((sum, { length }) => sum + length + SEPARATOR.length, 0);
}
