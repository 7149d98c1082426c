// A profile of V8's, summed up by stage.

import { type CallFrame, sourceOf } from './source-of.ts';
import { type Stage, stageOf } from './stage-of.ts';

/** What of the profiler's format is read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** The part of the time at work that each stage had, 0 to 1: all together are 1. Time at rest is left out. */
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

/** The stage of each node of the call tree; none where the thread was idle. */
function stagesOf({ nodes }: CpuProfile): Map<number, Stage> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const stages = new Map<number, Stage>();
  const [root] = nodes;
  const pending: { id: number; inherited: Stage }[] =
    root === undefined ? [] : [{ id: root.id, inherited: 'other' }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const node = byId.get(next.id);
    if (node === undefined || node.callFrame.functionName === '(idle)') continue;
    // What has no stage of its own, such as a call into Node, is done for the one who called.
    const stage = stageOf({ ...node.callFrame, url: sourceOf(node.callFrame) }) ?? next.inherited;
    stages.set(node.id, stage);
    for (const id of node.children ?? []) pending.push({ id, inherited: stage });
  }
  return stages;
}
