import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { freePorts } from '../../verify/kit/free-ports.ts';
import { PROJECT_ROOT } from '../../verify/kit/project-root.ts';
import { runCommand } from '../../verify/kit/run-command.ts';
import { useStage } from '../../verify/kit/stage.ts';
import { waitFor } from '../../verify/kit/wait-for.ts';

const stage = useStage();

const NODE_LINES = [
  './raft3d -id node1 -http :8080 -raft 127.0.0.1:7000 -data ./data -bootstrap -console-level info -file-level debug -logs ./logs',
  './raft3d -id node2 -http :8081 -raft 127.0.0.1:7001 -data ./data -join 127.0.0.1:8080 -console-level info -file-level debug -logs ./logs',
  './raft3d -id node3 -http :8082 -raft 127.0.0.1:7002 -data ./data -join 127.0.0.1:8080 -console-level info -file-level debug -logs ./logs',
];
const STATUS_LINE = 'curl http://localhost:8080/cluster/status | jq';
const PRINTER_LINE = `curl -X POST -H "Content-Type: application/json" -d '{"id":"printer1","company":"Prusa","model":"MK3S+"}' http://localhost:8080/api/v1/printers`;
const FILAMENT_LINE = `curl -X POST -H "Content-Type: application/json" -d '{"id":"filament1","type":"PLA","color":"Red","total_weight_in_grams":1000,"remaining_weight_in_grams":1000}' http://localhost:8080/api/v1/filaments`;
const JOB_LINE = `curl -X POST -H "Content-Type: application/json" -d '{"id":"job1","printer_id":"printer1","filament_id":"filament1","filepath":"/models/benchy.gcode","print_weight_in_grams":15}' http://localhost:8080/api/v1/print_jobs`;
const RUNNING_LINE = 'curl -X POST "http://localhost:8080/api/v1/print_jobs/job1/status?status=Running"';
const REMOVE_LINE = 'curl -X DELETE "http://localhost:8080/cluster/servers?id=node3"';

/** Runs the lines of the README on free ports, in a directory with nothing but the launcher. */
class Shell {
  readonly #directory: string;
  readonly #ports: readonly number[];
  readonly outputs: string[] = [];

  constructor(directory: string, ports: readonly number[]) {
    this.#directory = directory;
    this.#ports = ports;
    fs.symlinkSync(path.join(PROJECT_ROOT, 'raft3d'), path.join(directory, 'raft3d'));
  }

  #onOurPorts(line: string): string {
    return ['8080', '8081', '8082', '7000', '7001', '7002'].reduce(
      (text, port, at) => text.replaceAll(`:${port}`, `:${this.#ports[at]}`),
      line,
    );
  }

  /** Runs a line and returns its output, parsed as JSON. */
  async run(line: string): Promise<Record<string, unknown>> {
    const { stdout, code } = await runCommand(['bash', '-c', this.#onOurPorts(line)], {
      cwd: this.#directory,
    });
    expect({ line, code }).toEqual({ line, code: 0 });
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  /** Runs a line until the stage ends. */
  runInBackground(line: string): void {
    const child = spawn('bash', ['-c', `exec ${this.#onOurPorts(line)}`], { cwd: this.#directory });
    const at = this.outputs.push('') - 1;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.outputs[at] += text;
      });
    }
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    stage().onEnd(async () => {
      child.kill('SIGTERM');
      await ended;
    });
  }
}

describe('the README', () => {
  test('has a manual cluster and curl lines that work as printed', async () => {
    const shell = new Shell(stage().directory, await freePorts(6));
    for (const line of NODE_LINES) shell.runInBackground(line);
    await waitFor('there are three voters and a leader', async () => {
      const { leader_id, nodes } = await shell.run(STATUS_LINE.replace('curl', 'curl -s'));
      return (
        leader_id !== '' && (nodes as { role: string }[]).filter(({ role }) => role === 'voter').length === 3
      );
    });

    expect(await shell.run(STATUS_LINE)).toMatchObject({ node_id: 'node1', is_leader: expect.any(Boolean) });
    expect(await shell.run(PRINTER_LINE)).toEqual({ id: 'printer1', company: 'Prusa', model: 'MK3S+' });
    expect(await shell.run(FILAMENT_LINE)).toMatchObject({
      id: 'filament1',
      remaining_weight_in_grams: 1000,
    });
    expect(await shell.run(JOB_LINE)).toMatchObject({ id: 'job1', status: 'Queued' });
    expect(await shell.run(RUNNING_LINE)).toMatchObject({ id: 'job1', status: 'Running' });
    expect(await shell.run(REMOVE_LINE)).toEqual({ status: 'removed', node_id: 'node3' });
    expect(fs.readdirSync(path.join(stage().directory, 'data')).sort()).toEqual(['node1', 'node2', 'node3']);
    expect(fs.readdirSync(path.join(stage().directory, 'logs')).sort()).toEqual(
      ['node1', 'node2', 'node3'].map((id) => `${id}.log`),
    );
    for (const output of shell.outputs)
      expect(output).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] \[node\d\] INFO /m);
  });
});
