// A real node: a process with its own ports and files, which tests start, stop, kill and pause.

import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { NODE_FLAGS } from '../../src/server/node-flags.ts';
import { type ApiAnswer, type ApiRequest, apiRequest } from './api-request.ts';
import { PROJECT_ROOT } from './project-root.ts';
import { waitFor } from './wait-for.ts';

export const MAIN = path.join(PROJECT_ROOT, 'dist', 'server', 'main.js');

export interface NodeSettings {
  readonly id: string;
  /** Address it listens at. Default: 127.0.0.1. */
  readonly host?: string;
  readonly httpPort: number;
  readonly raftPort: number;
  /** The `-data` directory, which nodes may share. */
  readonly data: string;
  readonly logs: string;
  /** Further flags of every start, such as `-bootstrap` or `-join`. */
  readonly flags: readonly string[];
  /** The command that gets the flags. Default: the built program. */
  readonly command?: readonly [program: string, ...args: string[]];
}

export interface NodeStatus {
  readonly node_id: string;
  readonly is_leader: boolean;
  readonly leader: string;
  readonly leader_id: string;
  readonly state: string;
  readonly term: number;
  readonly commit_index: number;
  readonly applied_index: number;
  readonly last_log_index: number;
  readonly snapshot_index: number;
  readonly nodes: readonly {
    readonly id: string;
    readonly server: string;
    readonly raft_addr: string;
    readonly http_addr: string;
    readonly role: string;
    readonly healthy: boolean;
  }[];
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const STOP_TIMEOUT_MS = 30_000;

export class NodeProcess {
  readonly settings: NodeSettings;
  #child: ChildProcess | undefined;
  #ended: Promise<ProcessEnd> = Promise.resolve({ code: null, signal: null });
  #output = '';

  constructor(settings: NodeSettings) {
    this.settings = settings;
  }

  get id(): string {
    return this.settings.id;
  }

  get httpAddress(): string {
    return `${this.settings.host ?? '127.0.0.1'}:${this.settings.httpPort}`;
  }

  get raftAddress(): string {
    return `${this.settings.host ?? '127.0.0.1'}:${this.settings.raftPort}`;
  }

  get dataDirectory(): string {
    return path.join(this.settings.data, this.id);
  }

  get logFile(): string {
    return path.join(this.settings.logs, `${this.id}.log`);
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.id} was never started`);
    return pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** How the last process ended; pending while it runs. */
  get ended(): Promise<ProcessEnd> {
    return this.#ended;
  }

  /** Standard output and error of all its processes. */
  get output(): string {
    return this.#output;
  }

  /** Starts the process and returns at once. `flags` follow those of the settings, and override them. */
  start(flags: readonly string[] = []): void {
    if (this.isRunning) throw new Error(`${this.id} is running already`);
    const [program, ...args] = this.settings.command ?? [process.execPath, ...NODE_FLAGS, MAIN];
    const child = spawn(program, [...args, ...this.arguments(), ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: serviceEnvironment(),
    });
    this.#child = child;
    this.#output += `--- ${this.id} starts as process ${child.pid}\n`;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    this.#ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
  }

  /** The flags of a start. */
  arguments(): string[] {
    const { id, data, logs, flags } = this.settings;
    const own = [
      '-id',
      id,
      '-http',
      this.httpAddress,
      '-raft',
      this.raftAddress,
      '-data',
      data,
      '-logs',
      logs,
    ];
    return [...own, ...flags];
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) process.kill(this.pid, signal);
  }

  /** Sends SIGTERM and waits for the end. */
  async stop(): Promise<ProcessEnd> {
    this.signal('SIGTERM');
    return this.#waitForEnd('after SIGTERM');
  }

  /** Sends SIGKILL and waits for the end. */
  async kill(): Promise<ProcessEnd> {
    this.signal('SIGKILL');
    return this.#waitForEnd('after SIGKILL');
  }

  async #waitForEnd(when: string): Promise<ProcessEnd> {
    await waitFor(`${this.id} ends ${when}`, () => !this.isRunning, { timeoutMs: STOP_TIMEOUT_MS });
    return this.#ended;
  }

  /** Suspends the process until `resume()`. */
  pause(): void {
    this.signal('SIGSTOP');
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  /** Removes the data directory, as a host with a new disk. */
  wipe(): void {
    if (this.isRunning) throw new Error(`${this.id} is running`);
    fs.rmSync(this.dataDirectory, { recursive: true, force: true });
  }

  request(pathAndQuery: string, request?: ApiRequest): Promise<ApiAnswer> {
    return apiRequest(`http://${this.httpAddress}${pathAndQuery}`, request);
  }

  /** Throws when the node does not answer. */
  async statusNow(): Promise<NodeStatus> {
    return (await this.request('/cluster/status', { timeoutMs: 2_000 })).body as NodeStatus;
  }

  /** Returns undefined while the node does not answer. */
  async status(): Promise<NodeStatus | undefined> {
    try {
      return await this.statusNow();
    } catch {
      // The node is not up yet, or has ended.
      return undefined;
    }
  }

  /** The parsed lines of its log file. */
  logLines(): Record<string, unknown>[] {
    if (!fs.existsSync(this.logFile)) return [];
    return fs
      .readFileSync(this.logFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  }
}

/**
 * The environment of a service manager: without the Node.js settings of a developer's shell. Additional
 * certificate authorities, for example, delay a start by about 65 ms.
 */
function serviceEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_'));
  return Object.fromEntries(entries);
}
