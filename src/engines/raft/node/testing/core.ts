// A core for tests of leaders: the test sets roles and progress, and says when a configuration commits.

import { type Configuration, EMPTY_CONFIGURATION, type Role, withMember } from '../../core/configuration.ts';
import type { ChangeResult } from '../../core/membership.ts';
import type { PeerProgress } from '../../core/raft-core.ts';
import type { RaftRole } from '../../core/state.ts';

export function serverOf(node: string): string {
  return `${node}@1`;
}

/** `{ a: 'voter' }` is server a@1 at a:7000. */
export function configurationOf(roles: Readonly<Record<string, Role>>): Configuration {
  return Object.entries(roles).reduce(
    (configuration, [node, role]) =>
      withMember(configuration, {
        server: serverOf(node),
        role,
        raftAddress: `${node}:7000`,
        httpAddress: `${node}:8080`,
      }),
    EMPTY_CONFIGURATION,
  );
}

export class TestCore {
  role: RaftRole = 'leader';
  isEstablished = true;
  lastLogIndex = 100;
  configuration: Configuration;
  committedConfiguration: Configuration;
  readonly proposed: Configuration[] = [];
  readonly progress = new Map<string, PeerProgress>();

  constructor(roles: Readonly<Record<string, Role>>) {
    this.configuration = configurationOf(roles);
    this.committedConfiguration = this.configuration;
    for (const node of Object.keys(roles)) this.hear(node, {});
  }

  get isConfigurationCommitted(): boolean {
    return this.committedConfiguration === this.configuration;
  }

  hear(node: string, change: Partial<PeerProgress>): void {
    const progress = { match: 100, ticksSinceContact: 0, state: 'replicate', ...change } as const;
    this.progress.set(serverOf(node), progress);
  }

  progressOf(server: string): PeerProgress | undefined {
    return this.progress.get(server);
  }

  proposeConfiguration(next: Configuration): ChangeResult {
    if (this.role !== 'leader') return { kind: 'refused', reason: 'not-leader' };
    if (!this.isConfigurationCommitted) return { kind: 'refused', reason: 'change-under-way' };
    this.configuration = next;
    this.proposed.push(next);
    this.lastLogIndex += 1;
    return { kind: 'appended', index: this.lastLogIndex, term: 1 };
  }

  commit(): void {
    this.committedConfiguration = this.configuration;
  }

  get members(): string[] {
    return this.configuration.members.map(({ server, role }) => `${server}:${role}`);
  }
}
