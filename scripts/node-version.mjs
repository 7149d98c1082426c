// Imported first by every script, and written so that an old Node can still read it and say its one line.

const OLDEST_NODE = 20;

/** Exits with 1 and one line when this Node is too old. */
export function requireNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE) {
    console.error(`raft3d needs Node.js ${OLDEST_NODE} or newer; this is ${process.versions.node}`);
    process.exit(1);
  }
}
