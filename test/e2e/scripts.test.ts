import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiRequest } from '../../verify/kit/api-request.ts';
import { freePorts } from '../../verify/kit/free-ports.ts';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { type CommandResult, runCommand } from '../../verify/kit/run-command.ts';
import { Stage } from '../../verify/kit/stage.ts';
import { waitFor } from '../../verify/kit/wait-for.ts';

const SCENARIOS_TIMEOUT_MS = 180_000;
let stage: Stage;
let environment: Record<string, string>;
let ports: readonly number[];

/** The tests share one cluster in a tmux server of its own, and run in the order of a session. */
beforeAll(async () => {
  stage = new Stage();
  ports = await freePorts(8);
  environment = {
    TMUX_TMPDIR: stage.directory,
    TMUX: '',
    TERM: 'xterm-256color',
    RAFT3D_SESSION: 'raft3d-test',
    RAFT3D_HTTP_PORT: String(ports[0]),
    RAFT3D_RAFT_PORT: String(ports[4]),
    RAFT3D_DATA: stage.data,
    RAFT3D_LOGS: stage.logs,
    RAFT3D_NO_ATTACH: '1',
  };
});

afterAll(async () => {
  await run('./reset_data.sh');
  await runCommand(['tmux', 'kill-server'], { environment });
  await stage.end({ failed: false });
});

function run(script: string, args: readonly string[] = [], input = ''): Promise<CommandResult> {
  return runCommand([script, ...args], { environment, input, timeoutMs: SCENARIOS_TIMEOUT_MS });
}

async function tmux(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(['tmux', ...args], { environment });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trim();
}

function recordedPids(): number[] {
  return [1, 2, 3, 4].map((number) =>
    Number(fs.readFileSync(path.join(stage.data, `node${number}`, 'pid'), 'utf8')),
  );
}

function isAlive(pid: number): boolean {
  return fs.existsSync(`/proc/${pid}`);
}

describe('the three scripts', () => {
  test('test_scenarios.sh without a session names the command that starts one', async () => {
    const { code, stderr } = await run('./test_scenarios.sh', ['1']);
    expect(code).not.toBe(0);
    expect(stderr).toContain('./run_raft_cluster.sh');
  });

  test('run_raft_cluster.sh starts four nodes on the left and a command pane on the right', async () => {
    const { code, stdout, stderr } = await run('./run_raft_cluster.sh');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('tmux attach-session -t raft3d-test');

    const layout = await tmux('list-panes', '-t', 'raft3d-test', '-F', '#{pane_left} #{pane_title}');
    const panes = layout.split('\n').map((line) => line.split(/ (.*)/) as [string, string]);
    expect(panes.filter(([left]) => left === '0').map(([, title]) => title)).toEqual([
      'Node 1 (Bootstrap)',
      'Node 2 (Follower)',
      'Node 3 (Follower)',
      'Node 4 (Follower)',
    ]);
    expect(panes.filter(([left]) => left !== '0').map(([, title]) => title)).toEqual(['Commands']);
    await waitFor('the command pane shows examples', async () =>
      (await tmux('capture-pane', '-p', '-t', 'raft3d-test')).includes('/cluster/status | jq'),
    );
    for (const at of [0, 1, 2, 3]) {
      const { body } = await apiRequest(`http://127.0.0.1:${ports[at]}/cluster/status`);
      expect(body.nodes).toHaveLength(4);
    }
    expect(recordedPids().filter(isAlive)).toHaveLength(4);
  });

  test('test_scenarios.sh 4 passes all three scenarios', async () => {
    const { code, stdout } = await run('./test_scenarios.sh', ['4']);
    expect(stdout).toContain('3 passed, 0 failed');
    expect(stdout.match(/^PASS /gm)).toHaveLength(3);
    expect(code).toBe(0);
  });

  test('test_scenarios.sh without a choice asks for one', async () => {
    const { code, stdout } = await run('./test_scenarios.sh', [], '1\n');
    expect(stdout).toContain('4. Run All Tests');
    expect(stdout).toContain('PASS Basic Workflow Test');
    expect(stdout).toContain('1 passed, 0 failed');
    expect(code).toBe(0);
  });

  test('test_scenarios.sh refuses an invalid choice', async () => {
    for (const choice of ['5', '0', 'x', '44']) {
      expect((await run('./test_scenarios.sh', [choice])).code).not.toBe(0);
    }
    expect((await run('./test_scenarios.sh', [], '')).code).not.toBe(0);
  });

  test('a script without its tools names them and the command that installs them', async () => {
    const bin = path.join(stage.directory, 'bin');
    fs.mkdirSync(bin);
    for (const tool of ['bash', 'dirname', 'node', 'cat']) {
      const { stdout } = await runCommand(['sh', '-c', `command -v ${tool}`]);
      fs.symlinkSync(stdout.trim(), path.join(bin, tool));
    }
    for (const script of ['./run_raft_cluster.sh', './test_scenarios.sh']) {
      const { code, stderr } = await runCommand(
        ['/bin/bash', script, ...(script.includes('test') ? ['1'] : [])],
        {
          environment: { ...environment, PATH: bin },
        },
      );
      expect(code).not.toBe(0);
      expect(stderr).toContain('missing: tmux jq curl; install with: sudo apt-get install -y tmux jq curl');
    }
  });

  test('reset_data.sh stops the nodes by their recorded process ids and empties the directories', async () => {
    const pids = recordedPids();
    const { code, stdout } = await run('./reset_data.sh');
    expect(code).toBe(0);
    for (const number of [1, 2, 3, 4]) expect(stdout).toContain(`stopping node${number}`);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(fs.readdirSync(stage.data)).toEqual([]);
    expect(fs.readdirSync(stage.logs)).toEqual([]);
  });

  test('reset_data.sh does not stop another process that has a recorded pid', async () => {
    fs.mkdirSync(path.join(stage.data, 'node1'));
    fs.writeFileSync(path.join(stage.data, 'node1', 'pid'), `${process.pid}\n`);
    expect((await run('./reset_data.sh')).code).toBe(0);
    expect(fs.readdirSync(stage.data)).toEqual([]);
  });

  test('reset_data.sh refuses to empty a directory that is not its own', async () => {
    // Runs on a copy, because a mistake in the script would delete files.
    const parent = path.join(stage.directory, 'copy');
    const project = path.join(parent, 'project');
    const home = path.join(parent, 'home');
    const repository = path.join(parent, 'repository');
    for (const directory of [path.join(project, 'scripts'), home, path.join(repository, '.git')]) {
      fs.mkdirSync(directory, { recursive: true });
    }
    for (const name of ['reset_data.sh', 'scripts/cluster.sh']) {
      fs.cpSync(path.join(PROJECT_ROOT, name), path.join(project, name));
    }
    for (const directory of [parent, project, home, repository, '..', '.']) {
      for (const name of ['RAFT3D_DATA', 'RAFT3D_LOGS']) {
        const { code, stderr } = await runCommand([path.join(project, 'reset_data.sh')], {
          environment: { ...environment, HOME: home, [name]: directory },
        });
        expect({ directory, code }).toEqual({ directory, code: 1 });
        expect(stderr).toContain('nothing was removed');
      }
    }
    expect(fs.readdirSync(parent).sort()).toEqual(['home', 'project', 'repository']);
    expect(fs.existsSync(path.join(repository, '.git'))).toBe(true);
  });
});
