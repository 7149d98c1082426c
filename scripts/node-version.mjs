// Refuses an old Node.js. Scripts import it first, and it uses only syntax that an old Node.js can read.

const OLDEST_NODE = 20;

/** Ends the process with one line and exit code 1 when this Node.js is too old. */
export function requireNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE) {
    console.error(`raft3d needs Node.js ${OLDEST_NODE} or newer; this is ${process.versions.node}`);
    process.exit(1);
  }
}
