// One node: the embedded Raft as an engine. Constructs the parts, implements the port and its life cycle.

import { asError, CodedError } from '../../../shared/coded-error.ts';
import type { StateReader } from '../../../state/state-view.ts';
import type {
  Engine,
  EngineHealth,
  Membership,
  Position,
  ProposalOutcome,
  ReadOutcome,
} from '../../engine.ts';
import { boot } from './boot.ts';
import { ElectionHints } from './election-hints.ts';
import type { LoadedState } from './log/durable-records.ts';
import { Health } from './membership/health.ts';
import { MemberChanges } from './membership/member-changes.ts';
import { OwnMembership } from './membership/own-membership.ts';
import { Peers } from './membership/peers.ts';
import { Promotion } from './membership/promotion.ts';
import { NodeStatus, type RaftStatus } from './node-status.ts';
import type { NodeHandlers, RaftOptions } from './options.ts';
import { PeerEvents } from './peer-events.ts';
import type { Timer } from './ports/clock.ts';
import type { Transport } from './ports/transport.ts';
import { Replica, type ReplicaPorts } from './replica.ts';
import { ClientRequests } from './requests/client-requests.ts';
import { Forwarding } from './requests/forwarding.ts';
import { Snapshots } from './snapshots/snapshots.ts';

export interface NodePorts extends ReplicaPorts {
  readonly transport: Transport;
}

/** How long a graceful stop waits for a successor and for its proposals. */
const MAX_STOP_MS = 2_000;
const STOP_POLL_MS = 10;
/** A joined node that is still a learner after this long is answered as one. */
const PROMOTION_WAIT_MS = 10_000;

export class RaftNode implements Engine {
  readonly membership: Membership = {
    change: (change, done) => this.#requests.changeMembers(change, done),
    members: () => this.#status.members(),
  };
  readonly #options: RaftOptions;
  readonly #ports: NodePorts;
  readonly #handlers: NodeHandlers;
  readonly #replica: Replica;
  readonly #ownMembership: OwnMembership;
  readonly #peers: Peers;
  readonly #requests: ClientRequests;
  readonly #memberChanges: MemberChanges;
  readonly #status: NodeStatus;
  readonly #peerEvents: PeerEvents;
  #phase: 'running' | 'stopping' | 'stopped' = 'running';
  /** Called when everything is closed; undefined once it is. */
  #whenClosed: (() => void)[] | undefined = [];
  #tickTimer: Timer | undefined;

  /**
   * Opens what the disk holds and starts to take part. `done` gets the running node, or a CodedError:
   * `log_damaged`, `record_damaged`, or an error of the store or the transport.
   */
  static start(
    options: RaftOptions,
    ports: NodePorts,
    handlers: NodeHandlers,
    done: (error: Error | undefined, node: RaftNode | undefined) => void,
  ): void {
    const fail = (error: unknown): void => {
      ports.clock.soon(() => done(asError(error), undefined));
    };
    const orFail = (action: () => void): void => {
      try {
        action();
      } catch (damage) {
        fail(damage);
      }
    };
    const begin = (loaded: LoadedState): void => {
      const node = new RaftNode(options, loaded, ports, handlers);
      ports.transport.start(node.#peerEvents, (failure) => {
        if (failure === undefined) node.#replica.runOrStop(() => node.#begin());
        done(failure, failure === undefined ? node : undefined);
      });
    };
    orFail(() =>
      boot(ports, options, (error, loaded) => {
        if (loaded === undefined) fail(error);
        else orFail(() => begin(loaded));
      }),
    );
  }

  private constructor(options: RaftOptions, loaded: LoadedState, ports: NodePorts, handlers: NodeHandlers) {
    const { identity } = loaded;
    const { limits, electionTicks, tickMs, raftAddress } = options;
    const timing = { ...options, self: identity.server, silentAfterMs: 2 * electionTicks * tickMs };
    this.#options = options;
    this.#ports = ports;
    this.#handlers = handlers;
    const replica = new Replica(options, loaded, ports, (error) => this.#onFatal(error));
    const membership = new OwnMembership(loaded, { ...ports, replica, onRemoved: () => this.#onRemoved() });
    const base = { ...ports, replica, core: replica.core, membership };
    const peers = new Peers(base, timing);
    const parts = { ...base, peers };
    const memberChanges = new MemberChanges({
      ...parts,
      ...timing,
      timeoutMs: limits.memberChangeTimeoutMs,
      promotionWaitMs: PROMOTION_WAIT_MS,
    });
    const forwarding = new Forwarding({ ...parts, memberChanges });
    const requests = new ClientRequests({ ...parts, carrier: forwarding }, { identity, options });
    const snapshots = new Snapshots(parts, { boot: identity.boots, limits });
    const health = new Health(parts, timing);
    const electionHints = new ElectionHints(parts, timing);
    const status = new NodeStatus(parts, timing.silentAfterMs);
    const promotion = new Promotion(parts, {
      lagEntries: limits.promotionLagEntries,
      silentTicks: electionTicks,
    });
    this.#replica = replica;
    this.#ownMembership = membership;
    this.#peers = peers;
    this.#requests = requests;
    this.#memberChanges = memberChanges;
    this.#status = status;
    this.#peerEvents = new PeerEvents({
      ...parts,
      electionHints,
      requests,
      forwarding,
      snapshots,
      status,
      raftAddress,
    });
    replica.setParticipants([
      status,
      membership,
      peers,
      requests.proposals,
      requests.reads,
      requests.memberChanges,
      memberChanges,
      health,
      electionHints,
      promotion,
      snapshots,
      this.#peerEvents,
    ]);
  }

  #begin(): void {
    const { logger } = this.#ports;
    const { core } = this.#replica;
    if (this.#ownMembership.isRemoved) {
      logger.warn('this server was removed from its cluster: start it with -join to join again');
      return;
    }
    const { length } = core.configuration.members;
    if (length === 0) logger.info('not a member of a cluster yet: waiting to be joined');
    this.#peers.afterRound();
    // The only member needs no other vote.
    if (length === 1) core.campaignNow();
    this.#tickTimer = this.#ports.clock.after(this.#options.tickMs, () => this.#tick());
    this.#replica.schedule();
  }

  #tick(): void {
    if (this.#phase === 'stopped' || this.#ownMembership.isRemoved) return;
    this.#tickTimer = this.#ports.clock.after(this.#options.tickMs, () => this.#tick());
    this.#replica.tick();
  }

  // ------------------------------------------------------------ the port

  propose(command: Uint8Array, done: (outcome: ProposalOutcome) => void): void {
    this.#requests.propose(command, done);
  }

  readBarrier(done: (outcome: ReadOutcome) => void): void {
    this.#requests.readBarrier(done);
  }

  state(): StateReader {
    return this.#replica.state.rows;
  }

  position(): Position {
    return this.#replica.state.position;
  }

  onAdvance(listener: (position: Position) => void): () => void {
    return this.#replica.state.onAdvance(listener);
  }

  stalenessMs(): number | undefined {
    return this.#status.stalenessMs;
  }

  health(): EngineHealth {
    return this.#status.health();
  }

  /** Figures of Raft, for tests and the simulator. */
  status(): RaftStatus {
    return this.#status.describe();
  }

  // ------------------------------------------------------------ the end

  /** The cluster removed this server. */
  #onRemoved(): void {
    // Not inside the round that applied the removal: its messages must still leave.
    this.#ports.clock.soon(() => {
      if (this.#phase === 'stopped') return;
      // A leader that removed itself answers that request first.
      this.#memberChanges.onTick();
      this.#replica.stopParticipants();
      this.#peers.leaveAll();
      this.#handlers.onRemoved();
    });
  }

  /** Hands leadership over, lets pending requests finish for a moment, and stops. The store stays open. */
  stop(done: () => void): void {
    const { clock } = this.#ports;
    if (this.#whenClosed === undefined) {
      clock.soon(done);
      return;
    }
    this.#whenClosed.push(done);
    if (this.#phase !== 'running') return;
    this.#phase = 'stopping';
    this.#requests.close();
    const { core } = this.#replica;
    if (core.role === 'leader' && core.transferLeadership()) this.#replica.schedule();
    const deadline = clock.now() + MAX_STOP_MS;
    const poll = (): void => {
      if (this.#phase === 'stopped') return;
      const isDone = !core.isTransferring && this.#requests.proposals.isEmpty;
      if (isDone || clock.now() >= deadline) this.#halt();
      else clock.after(STOP_POLL_MS, poll);
    };
    poll();
  }

  #halt(): void {
    this.#phase = 'stopped';
    this.#status.isStopped = true;
    this.#tickTimer?.cancel();
    this.#requests.close();
    this.#replica.stop();
    this.#replica.stopParticipants();
    this.#ports.transport.close(() => {
      const closed = this.#whenClosed ?? [];
      this.#whenClosed = undefined;
      for (const done of closed) done();
    });
  }

  #onFatal(error: Error): void {
    if (this.#phase === 'stopped') return;
    const { code } = error instanceof CodedError ? error : { code: 'internal' };
    this.#ports.logger.error('the node stops: it cannot go on', { code, error });
    this.#whenClosed?.push(() => this.#handlers.onFatal(error));
    this.#halt();
  }
}
