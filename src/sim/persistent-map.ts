// An ordered map whose every version stays as it was: a balanced (AVL) tree that copies the path to what changes.
// Versions are cheap, so a disk can go back to what it was at any write, and a snapshot is one reference.

/** A version of the map. Undefined is the empty one. */
export type Version<V> = TreeNode<V> | undefined;

export interface TreeNode<V> {
  readonly key: string;
  readonly value: V;
  readonly left: Version<V>;
  readonly right: Version<V>;
  readonly height: number;
  readonly size: number;
}

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

export function withRow<V>(map: Version<V>, key: string, value: V): TreeNode<V> {
  if (map === undefined) return { key, value, left: undefined, right: undefined, height: 1, size: 1 };
  if (key === map.key) return { ...map, value };
  return key < map.key
    ? balanced(map, withRow(map.left, key, value), map.right)
    : balanced(map, map.left, withRow(map.right, key, value));
}

export function withoutRow<V>(map: Version<V>, key: string): Version<V> {
  if (map === undefined) return undefined;
  if (key !== map.key) {
    const isLeft = key < map.key;
    const side = isLeft ? map.left : map.right;
    const changed = withoutRow(side, key);
    if (changed === side) return map;
    return isLeft ? balanced(map, changed, map.right) : balanced(map, map.left, changed);
  }
  if (map.left === undefined) return map.right;
  if (map.right === undefined) return map.left;
  const next = first(map.right);
  return balanced(next, map.left, withoutRow(map.right, next.key));
}

/** The row at a position in key order, 0 ≤ position < size. */
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

/** Rows with `from` ≤ key < `to`, in key order or its reverse. */
export function* rowsBetween<V>(
  map: Version<V>,
  { from, to, reverse = false }: { from: string; to: string; reverse?: boolean },
): Generator<TreeNode<V>> {
  /** Nodes whose key is in the range or beyond its near end, not given yet; the next one is on top. */
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

/** The row of `row` over two sides whose heights differ by at most two. */
function balanced<V>(row: TreeNode<V>, left: Version<V>, right: Version<V>): TreeNode<V> {
  const lean = heightOf(left) - heightOf(right);
  if (lean > 1 && left !== undefined) {
    if (heightOf(left.left) >= heightOf(left.right)) {
      return join(left, left.left, join(row, left.right, right));
    }
    const middle = left.right as TreeNode<V>;
    return join(middle, join(left, left.left, middle.left), join(row, middle.right, right));
  }
  if (lean < -1 && right !== undefined) {
    if (heightOf(right.right) >= heightOf(right.left)) {
      return join(right, join(row, left, right.left), right.right);
    }
    const middle = right.left as TreeNode<V>;
    return join(middle, join(row, left, middle.left), join(right, middle.right, right.right));
  }
  return join(row, left, right);
}

function join<V>(row: TreeNode<V>, left: Version<V>, right: Version<V>): TreeNode<V> {
  return {
    key: row.key,
    value: row.value,
    left,
    right,
    height: Math.max(heightOf(left), heightOf(right)) + 1,
    size: sizeOf(left) + sizeOf(right) + 1,
  };
}
