// A persistent ordered map: an AVL tree that copies the path to each change, so that old versions stay. A
// simulated disk can return to any version, and a snapshot is one reference.

/** A version of the map; undefined is the empty map. */
export type Version<V> = TreeNode<V> | undefined;

export interface TreeNode<V> {
  readonly key: string;
  readonly value: V;
  readonly left: Version<V>;
  readonly right: Version<V>;
  readonly height: number;
  readonly size: number;
  /** The edit that made this node. */
  readonly edit: Edit;
}

type MutableNode<V> = { -readonly [K in keyof TreeNode<V>]: TreeNode<V>[K] };

export function sizeOf(map: Version<unknown>): number {
  return map === undefined ? 0 : map.size;
}

export function lookUp<V>(map: Version<V>, key: string): V | undefined {
  let node = map;
  while (node !== undefined) {
    if (key === node.key) return node.value;
    node = key < node.key ? node.left : node.right;
  }
  return undefined;
}

/**
 * Identifies a run of changes. Nodes made in the current edit are not shared yet and are changed in place.
 */
type Edit = number;

let edits: Edit = 0;

/** Begins an edit, which ends when a version made in it is given away. */
export function beginEdit(): Edit {
  edits += 1;
  return edits;
}

export function withRow<V>(map: Version<V>, key: string, value: V, edit = beginEdit()): TreeNode<V> {
  if (map === undefined) return { key, value, left: undefined, right: undefined, height: 1, size: 1, edit };
  const node = owned(map, edit);
  if (key === node.key) {
    node.value = value;
    return node;
  }
  const { size } = node;
  if (key < node.key) node.left = withRow(node.left, key, value, edit);
  else node.right = withRow(node.right, key, value, edit);
  // Replacing a value does not change the shape of the tree.
  return size === sizeOf(node.left) + sizeOf(node.right) + 1 ? node : balanced(node, edit);
}

export function withoutRow<V>(map: Version<V>, key: string, edit = beginEdit()): Version<V> {
  return map === undefined || lookUp(map, key) === undefined ? map : remove(map, key, edit);
}

/** Removes a row that exists. */
function remove<V>(map: TreeNode<V>, key: string, edit: Edit): Version<V> {
  if (key === map.key && map.left === undefined) return map.right;
  if (key === map.key && map.right === undefined) return map.left;
  const node = owned(map, edit);
  if (key < node.key) node.left = remove(node.left as TreeNode<V>, key, edit);
  else {
    let removed = key;
    if (key === node.key) {
      const next = first(node.right as TreeNode<V>);
      node.key = next.key;
      node.value = next.value;
      removed = next.key;
    }
    node.right = remove(node.right as TreeNode<V>, removed, edit);
  }
  return balanced(node, edit);
}

/** Returns the row at a position in key order, 0 ≤ position < size. */
export function rowAt<V>(map: Version<V>, position: number): TreeNode<V> | undefined {
  let node = map;
  let left = position;
  while (node !== undefined) {
    const before = sizeOf(node.left);
    if (left === before) return node;
    if (left < before) node = node.left;
    else {
      left -= before + 1;
      node = node.right;
    }
  }
  return undefined;
}

/** Yields rows with `from` ≤ key < `to`, in key order or in reverse. */
export function* rowsBetween<V>(
  map: Version<V>,
  { from, to, reverse = false }: { from: string; to: string; reverse?: boolean },
): Generator<TreeNode<V>> {
  /** Nodes still to be yielded that are in the range or before its near end; the next one is on top. */
  const path: TreeNode<V>[] = [];
  const descend = (start: Version<V>): void => {
    let node = start;
    while (node !== undefined) {
      const isInside = reverse ? node.key < to : node.key >= from;
      if (isInside) path.push(node);
      node = isInside === reverse ? node.right : node.left;
    }
  };
  descend(map);
  for (let node = path.pop(); node !== undefined; node = path.pop()) {
    if (reverse ? node.key < from : node.key >= to) return;
    yield node;
    descend(reverse ? node.left : node.right);
  }
}

function first<V>(map: TreeNode<V>): TreeNode<V> {
  let node = map;
  while (node.left !== undefined) node = node.left;
  return node;
}

function heightOf(map: Version<unknown>): number {
  return map === undefined ? 0 : map.height;
}

function owned<V>(node: TreeNode<V>, edit: Edit): MutableNode<V> {
  if (node.edit === edit) return node as MutableNode<V>;
  const { key, value, left, right, height, size } = node;
  return { key, value, left, right, height, size, edit };
}

/** Balances a node whose sides differ in height by at most two. */
function balanced<V>(node: MutableNode<V>, edit: Edit): TreeNode<V> {
  const lean = heightOf(node.left) - heightOf(node.right);
  if (lean > 1) {
    const left = owned(node.left as TreeNode<V>, edit);
    node.left = heightOf(left.left) >= heightOf(left.right) ? left : rotatedLeft(left, edit);
    return rotatedRight(node, edit);
  }
  if (lean < -1) {
    const right = owned(node.right as TreeNode<V>, edit);
    node.right = heightOf(right.right) >= heightOf(right.left) ? right : rotatedRight(right, edit);
    return rotatedLeft(node, edit);
  }
  measure(node);
  return node;
}

function rotatedLeft<V>(node: MutableNode<V>, edit: Edit): TreeNode<V> {
  const top = owned(node.right as TreeNode<V>, edit);
  node.right = top.left;
  measure(node);
  top.left = node;
  measure(top);
  return top;
}

function rotatedRight<V>(node: MutableNode<V>, edit: Edit): TreeNode<V> {
  const top = owned(node.left as TreeNode<V>, edit);
  node.left = top.right;
  measure(node);
  top.right = node;
  measure(top);
  return top;
}

function measure(node: MutableNode<unknown>): void {
  node.height = Math.max(heightOf(node.left), heightOf(node.right)) + 1;
  node.size = sizeOf(node.left) + sizeOf(node.right) + 1;
}
