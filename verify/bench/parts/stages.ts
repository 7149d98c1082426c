// Shows where the processor time of a write goes, by stage, on the leader and on a follower, from V8
// profiles.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROJECT_ROOT } from '../../kit/project-root.ts';
import { waitFor } from '../../kit/wait-for.ts';
import { removeAtExit, removeNow } from '../abandoned.ts';
import { followersOf } from '../cluster.ts';
import type { BenchContext } from '../context.ts';
import { runLoad } from '../load.ts';
import { mainThreadMicros, processorMicros } from '../processes.ts';
import { Raft3dCluster, type Raft3dNode } from '../raft3d-cluster.ts';
import type { PartReport, Table } from '../result.ts';
import { type CpuProfile, stageShares } from '../stages/profile.ts';
import { STAGE_MEANING, STAGES, type Stage } from '../stages/stage-of.ts';

const CONNECTIONS = 64;
const PROFILER = path.join(PROJECT_ROOT, 'verify', 'bench', 'stages', 'profiler.mjs');

interface Costs {
  /** Microseconds of the main thread for each write, by stage. */
  readonly byStage: ReadonlyMap<Stage, number>;
  readonly mainThread: number;
  readonly otherThreads: number;
}

export async function stages(context: BenchContext, report: PartReport): Promise<void> {
  report.title('Where the time goes');
  report.text(
    `Processor time for a write: printers over ${CONNECTIONS} connections to the leader. V8's profiler itself takes some ` +
      "time. A function's own time, and the time of Node.js functions that it calls, count for the stage of its file. " +
      "The shares are multiplied by the main thread's processor time as the kernel counts it.",
  );
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'raft3d-bench-profiles-'));
  removeAtExit(directory, []);
  context.onEnd(async () => removeNow(directory));
  const profiler = pathToFileURL(PROFILER);
  profiler.searchParams.set('directory', directory);
  const cluster = await Raft3dCluster.start(3, { nodeFlags: ['--import', profiler.href] });
  context.onEnd(() => cluster.remove());
  const leader = await cluster.leader();
  const [follower = leader] = followersOf(cluster, leader) as Raft3dNode[];
  const load = {
    url: leader.url,
    kind: 'printer',
    connections: CONNECTIONS,
    seconds: context.seconds,
  } as const;
  await runLoad(load);
  context.tell('writes under the profiler');
  const nodes = [leader, follower];
  await Promise.all(nodes.map((node) => signalled(node, directory, 'started')));
  const before = nodes.map(({ pid }) => timesOf(pid));
  const { requests, perSecond } = await runLoad(load);
  const after = nodes.map(({ pid }) => timesOf(pid));
  const profiles = await Promise.all(nodes.map((node) => signalled(node, directory, 'cpuprofile')));
  const [ofLeader, ofFollower] = profiles.map((text, at): Costs => {
    const all = ((after[at]?.all ?? 0) - (before[at]?.all ?? 0)) / requests;
    const mainThread = ((after[at]?.mainThread ?? 0) - (before[at]?.mainThread ?? 0)) / requests;
    const shares = stageShares(JSON.parse(text) as CpuProfile);
    const byStage = new Map([...shares].map(([stage, share]) => [stage, share * mainThread]));
    return { byStage, mainThread, otherThreads: all - mainThread };
  });
  if (ofLeader !== undefined && ofFollower !== undefined) report.table(table(ofLeader, ofFollower));
  report.text(
    `${Math.round(perSecond).toLocaleString('en-US')} writes a second were acknowledged meanwhile.`,
  );
  await cluster.remove();
}

/** Sends the signal and waits for the file that the node writes then. */
async function signalled(
  node: Raft3dNode,
  directory: string,
  ending: 'started' | 'cpuprofile',
): Promise<string> {
  const file = path.join(directory, `${node.pid}.${ending}`);
  node.signal('SIGUSR2');
  await waitFor(`the profiler of ${node.id} has ${ending}`, () => fs.existsSync(file));
  return fs.readFileSync(file, 'utf8');
}

function timesOf(pid: number): { all: number; mainThread: number } {
  return { all: processorMicros(pid), mainThread: mainThreadMicros(pid) };
}

function table(leader: Costs, follower: Costs): Table {
  const row = (name: string, of: (costs: Costs) => number, meaning: string): (string | number)[] => {
    const both = [leader, follower].flatMap((costs) => [of(costs), percent(of(costs) / totalOf(costs))]);
    return [name, ...both, meaning];
  };
  return {
    title: 'Microseconds for a write',
    columns: ['stage', 'leader', 'share', 'follower', 'share', 'work'],
    rows: [
      ...STAGES.map((stage) => row(stage, ({ byStage }) => byStage.get(stage) ?? 0, STAGE_MEANING[stage])),
      row(
        'other threads',
        ({ otherThreads }) => otherThreads,
        'disk I/O and copies, garbage collector helpers',
      ),
      row('all', totalOf, ''),
    ],
  };
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

function totalOf({ mainThread, otherThreads }: Costs): number {
  return mainThread + otherThreads;
}
