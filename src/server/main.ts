// The entry of the process. It checks the version of Node.js before it loads code that needs a new one.

const OLDEST_NODE = 20;

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  process.stderr.write(`raft3d needs Node.js ${OLDEST_NODE} or newer; this is ${process.versions.node}\n`);
  process.exitCode = 1;
} else {
  const { runNode } = await import('./run-node.ts');
  await runNode();
}
