// How Node itself is started for a node.

/**
 * V8 lets the heap grow to hundreds of megabytes before it looks for what is dead among the older objects, unless it is
 * told where to begin: in megabytes, a little above what a node holds at rest. The launcher `raft3d` has the same flag.
 */
export const NODE_FLAGS = ['--initial-old-space-size=24'] as const;
