// Import circles: files that reach themselves through their imports.

/** File → files it imports. Targets that are no key are ignored. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/**
 * Returns the strongly connected components of two or more files, and the files that import themselves.
 * The algorithm is Tarjan's.
 */
export function circlesOf(graph: ImportGraph): string[][] {
  const circles: string[][] = [];
  const indexes = new Map<string, number>();
  const stack: string[] = [];

  const visit = (file: string): number => {
    const index = indexes.size;
    indexes.set(file, index);
    stack.push(file);
    let low = index;
    for (const target of graph.get(file) ?? []) {
      if (!graph.has(target)) continue;
      if (!indexes.has(target)) low = Math.min(low, visit(target));
      else if (stack.includes(target)) low = Math.min(low, indexes.get(target) ?? low);
    }
    if (low === index) {
      const component = stack.splice(stack.indexOf(file)).sort();
      if (component.length > 1 || graph.get(file)?.includes(file)) circles.push(component);
    }
    return low;
  };

  for (const file of graph.keys()) if (!indexes.has(file)) visit(file);
  return circles;
}
