// How Node itself is started for a node. The launcher `raft3d` has the same flags.

export const NODE_FLAGS = [
  // V8 lets the heap grow to hundreds of megabytes before it looks for what is dead among the older objects, unless it is
  // told where to begin, in megabytes, a little above what a node holds at rest …
  '--initial-old-space-size=24',
  // … and how far it may grow beyond what was alive the last time, in percent. It costs up to a tenth of the processor's
  // time of a write, and saves a hundred megabytes under load.
  '--heap-growing-percent=100',
  // Requests under way outlive a young generation of one megabyte, and are copied for nothing.
  '--min-semi-space-size=16',
  // The collector's helpers, one and not four: beside the small machines' few cores they cost more than they help.
  '--v8-pool-size=1',
  // A node that takes a snapshot asks for small collections (`src/engines/raft/transport/young-garbage.ts`).
  '--expose-gc',
] as const;
