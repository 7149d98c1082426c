// Sums up a V8 profile by stage.

import { type CallFrame, sourceOf } from './source-of.ts';
import { type Stage, stageOf } from './stage-of.ts';

/** The fields of the profiler's format that are read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Returns each stage's share of the busy time, 0 to 1. Idle time is left out. */
export function stageShares(profile: CpuProfile): Map<Stage, number> {
  const stageByNode = stagesOf(profile);
  const micros = new Map<Stage, number>();
  let all = 0;
  for (const [at, node] of profile.samples.entries()) {
    const stage = stageByNode.get(node);
    if (stage === undefined) continue;
    const delta = profile.timeDeltas[at] ?? 0;
    micros.set(stage, (micros.get(stage) ?? 0) + delta);
    all += delta;
  }
  return new Map([...micros].map(([stage, sum]) => [stage, sum / all]));
}

/** Returns the stage of each node of the call tree; none where the thread was idle. */
function stagesOf({ nodes }: CpuProfile): Map<number, Stage> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const stages = new Map<number, Stage>();
  const [root] = nodes;
  const pending: { id: number; inherited: Stage }[] =
    root === undefined ? [] : [{ id: root.id, inherited: 'other' }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const node = byId.get(next.id);
    if (node === undefined || node.callFrame.functionName === '(idle)') continue;
    // A function without a stage of its own, such as one of Node.js, counts for its caller.
    const stage = stageOf({ ...node.callFrame, url: sourceOf(node.callFrame) }) ?? next.inherited;
    stages.set(node.id, stage);
    for (const id of node.children ?? []) pending.push({ id, inherited: stage });
  }
  return stages;
}
