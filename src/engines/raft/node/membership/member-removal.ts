// One removal, on the leader: propose the configuration without the node, and wait until it is committed.

import type { MemberChangeOutcome } from '../../../engine.ts';
import { withoutMember } from '../../core/configuration.ts';
import {
  done,
  findNode,
  type MemberChangeOptions,
  type MemberChangePorts,
  type MemberChangeSteps,
  propose,
  refused,
  removalObjection,
} from './member-change-step.ts';

export class MemberRemoval implements MemberChangeSteps {
  readonly #ports: MemberChangePorts;
  readonly #options: MemberChangeOptions;
  readonly #node: string;
  hasProposed = false;

  constructor(ports: MemberChangePorts, options: MemberChangeOptions, node: string) {
    this.#ports = ports;
    this.#options = options;
    this.#node = node;
  }

  step(): MemberChangeOutcome | undefined {
    const { core } = this.#ports;
    const member = findNode(core.configuration, this.#node);
    if (member === undefined) {
      if (!this.hasProposed) return refused('not_found', `no node named ${this.#node} is a member`);
      const { self } = this.#options;
      return core.isConfigurationCommitted ? done(this.#ports, { self, role: 'removed' }) : undefined;
    }
    const objection = removalObjection(this.#ports, member);
    if (objection !== undefined) return objection;
    const next = withoutMember(core.configuration, member.server);
    if (propose(this.#ports, next, `removing ${this.#node}`)) this.hasProposed = true;
    return undefined;
  }
}
