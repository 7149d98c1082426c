import { describe, expect, test } from 'vitest';
import { parseCommandLine } from '../config/flags.ts';
import { type LocalClusterPlan, nodeArguments, planLocalCluster } from './local-cluster-plan.ts';

function commandLines(plan: LocalClusterPlan, formed: boolean) {
  return plan.nodes.map((node) => {
    const commandLine = parseCommandLine(nodeArguments(plan, node, { formed }));
    if (commandLine.kind !== 'run') throw new Error('parsed as a request for help');
    return commandLine.options;
  });
}

describe('the local cluster', () => {
  test('is node1 to node3 on 8080 to 8082 and 7000 to 7002, in ./data and ./logs', () => {
    expect(commandLines(planLocalCluster({}), false)).toMatchObject(
      [1, 2, 3].map((number) => ({
        id: `node${number}`,
        advertiseHttp: `127.0.0.1:${8079 + number}`,
        advertiseRaft: `127.0.0.1:${6999 + number}`,
        dataDirectory: `data/node${number}`,
        logFile: `logs/node${number}.log`,
      })),
    );
  });

  test('node1 starts the cluster and the others join; in a formed cluster all nodes join', () => {
    const plan = planLocalCluster({});
    const others = [
      ['127.0.0.1:8081', '127.0.0.1:8082'],
      ['127.0.0.1:8080', '127.0.0.1:8082'],
      ['127.0.0.1:8080', '127.0.0.1:8081'],
    ];
    expect(commandLines(plan, false).map(({ bootstrap }) => bootstrap)).toEqual([true, false, false]);
    expect(commandLines(plan, false).map(({ join }) => join)).toEqual([[], others[1], others[2]]);
    expect(commandLines(plan, true).map(({ bootstrap }) => bootstrap)).toEqual([false, false, false]);
    expect(commandLines(plan, true).map(({ join }) => join)).toEqual(others);
  });

  test('takes ports and directories from the environment', () => {
    const plan = planLocalCluster({
      RAFT3D_HTTP_PORT: '9000',
      RAFT3D_RAFT_PORT: '9100',
      RAFT3D_DATA: '/srv/d',
      RAFT3D_LOGS: '/srv/l',
    });
    expect(plan).toMatchObject({ data: '/srv/d', logs: '/srv/l', formedMarker: '/srv/d/.formed' });
    expect(plan.nodes[2]).toEqual({ id: 'node3', httpPort: 9002, raftPort: 9102 });
  });

  test.each(['x', '0', '65534', '-1', '80 '])('port "%s" is refused', (port) => {
    expect(() => planLocalCluster({ RAFT3D_HTTP_PORT: port })).toThrow(/is the first of 3 ports/);
  });
});
