import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ApiAnswer, apiRequest } from '../../verify/kit/api-request.ts';
import { freePorts } from '../../verify/kit/free-ports.ts';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { useStage } from '../../verify/kit/stage.ts';
import { waitFor } from '../../verify/kit/wait-for.ts';

const stage = useStage();

/** Runs of `npm start` on the same ports and files, one after another. */
class LocalCluster {
  readonly environment: Record<string, string>;
  readonly ports: readonly number[];
  output = '';
  #child: ChildProcess | undefined;

  private constructor(ports: readonly number[]) {
    this.ports = ports;
    this.environment = {
      RAFT3D_HTTP_PORT: String(ports[0]),
      RAFT3D_RAFT_PORT: String(ports[3]),
      RAFT3D_DATA: stage().data,
      RAFT3D_LOGS: stage().logs,
    };
  }

  static async plan(): Promise<LocalCluster> {
    return new LocalCluster(await freePorts(6));
  }

  /** Starts it in a process group of its own, as a terminal does. */
  start(environment: Record<string, string> = {}): void {
    this.output = '';
    const child = spawn('npm', ['start'], {
      cwd: PROJECT_ROOT,
      env: { ...process.env, ...this.environment, ...environment },
      detached: true,
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    this.#child = child;
    stage().onEnd(() => this.#killAll());
  }

  async waitUntilUp(): Promise<void> {
    await waitFor('npm start reports that the cluster is up', () => this.output.includes('Raft3D is up'), {
      timeoutMs: 60_000,
    });
  }

  /** Acts like Ctrl-C, which signals every process of the terminal's foreground group. */
  interrupt(): void {
    process.kill(-this.#pid, 'SIGINT');
  }

  /** Acts like a service manager, which signals npm alone. */
  terminate(): void {
    process.kill(this.#pid, 'SIGTERM');
  }

  get #pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('npm start was not started');
    return pid;
  }

  async exitCode(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) throw new Error('npm start was not started');
    return waitFor('npm start ends', () => child.exitCode ?? undefined, { timeoutMs: 60_000 });
  }

  get pids(): number[] {
    return [...this.output.matchAll(/ pid (\d+) /g)].map((match) => Number(match[1]));
  }

  request(node: number, pathAndQuery: string, body?: unknown): Promise<ApiAnswer> {
    return apiRequest(`http://127.0.0.1:${this.ports[node]}${pathAndQuery}`, { body });
  }

  /** Ends all processes, also after a failed test. */
  #killAll(): void {
    for (const pid of this.pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    if (this.#child?.exitCode === null && this.#child.signalCode === null) {
      process.kill(-(this.#child.pid as number), 'SIGKILL');
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: the process has ended.
    return false;
  }
}

async function expectPortsFree(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    await new Promise<void>((resolve, reject) => {
      const probe = net.createServer().once('error', reject);
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()));
    });
  }
}

describe('npm start', () => {
  test('runs three nodes, stops them with Ctrl-C, and continues with their data at the next start', async () => {
    const cluster = await LocalCluster.plan();
    cluster.start();
    await cluster.waitUntilUp();
    expect(cluster.output).toContain('three voters');
    expect(cluster.output).toContain('curl ');
    expect(cluster.pids).toHaveLength(3);
    for (const at of [0, 1, 2]) {
      const { body } = await cluster.request(at, '/cluster/status');
      expect(body.nodes.map((node: { role: string }) => node.role)).toEqual(['voter', 'voter', 'voter']);
    }
    const printer = { id: 'printer1', company: 'Prusa', model: 'MK3S+' };
    expect((await cluster.request(2, '/api/v1/printers', printer)).status).toBe(201);

    const pids = cluster.pids;
    cluster.interrupt();
    expect(await cluster.exitCode()).toBe(0);
    expect(cluster.output).toContain('all nodes have stopped');
    expect(pids.filter(isAlive)).toEqual([]);
    for (const id of ['node1', 'node2', 'node3']) {
      expect(fs.readFileSync(path.join(stage().logs, `${id}.log`), 'utf8')).toMatch(/"msg":"stopped"}\n$/);
    }
    await expectPortsFree(cluster.ports);

    cluster.start();
    await cluster.waitUntilUp();
    expect((await cluster.request(1, '/api/v1/printers')).body).toEqual([printer]);
    cluster.terminate();
    expect(await cluster.exitCode()).toBe(0);
    expect(cluster.pids.filter(isAlive)).toEqual([]);
  });

  test('reports a node that dies, and the others go on', async () => {
    const cluster = await LocalCluster.plan();
    cluster.start();
    await cluster.waitUntilUp();
    process.kill(cluster.pids[1] as number, 'SIGKILL');
    await waitFor('the death is reported', () => cluster.output.includes('node2 was ended by SIGKILL'));
    await waitFor('the others take writes', async () => {
      const { status } = await cluster.request(0, '/api/v1/printers', { id: 'p', company: 'a', model: 'b' });
      return [201, 409].includes(status);
    });
    cluster.interrupt();
    expect(await cluster.exitCode()).toBe(0);
  });

  test('refuses a port in use with one line, and leaves no process running', async () => {
    const cluster = await LocalCluster.plan();
    const holder = net.createServer();
    await new Promise<void>((resolve) => holder.listen(cluster.ports[4], '127.0.0.1', resolve));
    stage().onEnd(() => void holder.close());
    cluster.start();
    expect(await cluster.exitCode()).toBe(1);
    expect(cluster.output).toContain(`port ${cluster.ports[4]} on 127.0.0.1 is in use`);
    expect(cluster.output.split('\n').filter((line) => line.startsWith('raft3d:'))).toHaveLength(1);
    await expectPortsFree(cluster.ports.filter((_, at) => at !== 4));
    expect(fs.existsSync(path.join(stage().data, 'node1'))).toBe(false);
  });

  test('refuses a directory without write permission with one line', async () => {
    const file = path.join(stage().directory, 'file');
    fs.writeFileSync(file, '');
    const cluster = await LocalCluster.plan();
    cluster.start({ RAFT3D_DATA: path.join(file, 'data') });
    expect(await cluster.exitCode()).toBe(1);
    expect(cluster.output).toContain(`raft3d: cannot write in ${path.join(file, 'data')}`);
    await expectPortsFree(cluster.ports);
  });

  test('stops the other nodes when one cannot start', async () => {
    const cluster = await LocalCluster.plan();
    fs.mkdirSync(stage().data);
    fs.writeFileSync(path.join(stage().data, 'node3'), 'a file stands where the directory should be');
    cluster.start();
    expect(await cluster.exitCode()).toBe(1);
    expect(cluster.output).toContain('raft3d: node3 ended with exit code 1; stopping the others');
    await expectPortsFree(cluster.ports);
  });
});
