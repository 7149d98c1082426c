import { MemoryEngine } from '../../src/engines/testing/memory-engine.ts';
import { startRaftEngine } from '../../src/engines/testing/raft-engine.ts';
import { engineContract } from './engine.ts';

const nextTurn = (callback: () => void): void => {
  setImmediate(callback);
};

engineContract('in memory', (stateMachine) => new MemoryEngine(stateMachine, queueMicrotask));
engineContract('Raft, one node', (stateMachine) => startRaftEngine(stateMachine, { nextTurn }));
engineContract('Raft, a follower of three', (stateMachine) =>
  startRaftEngine(stateMachine, { nodes: ['node1', 'node2', 'node3'], nextTurn }),
);
