// Where the process begins. Nothing else is loaded before it is known that this Node can read it: the launcher asks for
// no build, and so for no version, as long as the sources are those of the build.

const OLDEST_NODE = 20;

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  process.stderr.write(`raft3d needs Node.js ${OLDEST_NODE} or newer; this is ${process.versions.node}\n`);
  process.exitCode = 1;
} else {
  const { runNode } = await import('./run-node.ts');
  await runNode();
}
