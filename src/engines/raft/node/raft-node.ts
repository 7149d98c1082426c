// One node: the embedded Raft behind the Engine port. Wires the replica, what travels between nodes, what waits
// for consensus, and who is a member.

import { CodedError } from '../../../shared/coded-error.ts';
import type { StateReader } from '../../../state/state-view.ts';
import { AdvanceListeners } from '../../advance-listeners.ts';
import {
  type Engine,
  type EngineHealth,
  type Membership,
  type Position,
  type ProposalOutcome,
  type ReadOutcome,
  toPosition,
} from '../../engine.ts';
import type { ServerId } from '../core/configuration.ts';
import type { RaftCore } from '../core/raft-core.ts';
import { boot } from './boot.ts';
import { ElectionHints } from './election-hints.ts';
import { Freshness } from './freshness.ts';
import type { LoadedState } from './log/durable-records.ts';
import { Health } from './membership/health.ts';
import { MemberChanges } from './membership/member-changes.ts';
import { OwnMembership } from './membership/own-membership.ts';
import { Peers } from './membership/peers.ts';
import { maybePromote } from './membership/promotion.ts';
import {
  describeHealth,
  describeMembers,
  describeNode,
  type RaftStatus,
  type StatusSources,
} from './node-status.ts';
import type { NodeHandlers, NodeOptions } from './options.ts';
import { PeerEvents } from './peer-events.ts';
import type { Timer } from './ports/clock.ts';
import type { Transport } from './ports/transport.ts';
import { Replica, type ReplicaHandlers, type ReplicaPorts } from './replica.ts';
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
  readonly #options: NodeOptions;
  readonly #ports: NodePorts;
  readonly #handlers: NodeHandlers;
  readonly #self: ServerId;
  readonly #membership: OwnMembership;
  readonly #peers: Peers;
  readonly #requests: ClientRequests;
  readonly #replica: Replica;
  readonly #snapshots: Snapshots;
  readonly #memberChanges: MemberChanges;
  readonly #forwarding: Forwarding;
  readonly #health: Health;
  readonly #electionHints: ElectionHints;
  readonly #peerEvents: PeerEvents;
  #phase: 'running' | 'stopping' | 'stopped' = 'running';
  /** Called when everything is closed; undefined once it is. */
  #whenClosed: (() => void)[] | undefined = [];
  #tickTimer: Timer | undefined;
  /** The leader and its term, when this was last checked. */
  #seenLeader: Pick<RaftCore, 'leader' | 'term'> = { leader: undefined, term: 0 };
  readonly #freshness: Freshness;
  readonly #advanceListeners = new AdvanceListeners();
  /** The position that the listeners were last told. */
  #announced: Position;

  /**
   * Opens what the disk holds and starts to take part. `done` gets the running node, or a CodedError: `log_damaged`,
   * `record_damaged`, or what the store and the transport report.
   */
  static start(
    options: NodeOptions,
    ports: NodePorts,
    handlers: NodeHandlers,
    done: (error: Error | undefined, node: RaftNode | undefined) => void,
  ): void {
    const fail = (error: unknown): void => {
      ports.clock.soon(() => done(error instanceof Error ? error : new Error(String(error)), undefined));
    };
    try {
      boot(ports, options, (error, loaded) => {
        if (loaded === undefined) {
          fail(error);
          return;
        }
        try {
          const node = new RaftNode(options, loaded, ports, handlers);
          node.#listen((failure) => done(failure, failure === undefined ? node : undefined));
        } catch (damage) {
          fail(damage);
        }
      });
    } catch (damage) {
      fail(damage);
    }
  }

  private constructor(options: NodeOptions, loaded: LoadedState, ports: NodePorts, handlers: NodeHandlers) {
    const { clock, logger, transport, store } = ports;
    const { identity } = loaded;
    const self = identity.server;
    const silentAfterMs = 2 * options.electionTicks * options.tickMs;
    this.#options = options;
    this.#ports = ports;
    this.#handlers = handlers;
    this.#self = self;
    this.#freshness = new Freshness(clock, silentAfterMs);
    this.#announced = toPosition(loaded.applied.index);
    this.#membership = new OwnMembership(loaded, logger, {
      write: (operations) => this.#replica.write(operations),
      onRemoved: () => this.#leave(),
    });
    this.#peers = new Peers(ports, { self, silentAfterMs });
    this.#requests = new ClientRequests(
      clock,
      { identity, options },
      { refusal: () => this.#refusal(), onAdded: () => this.#replica.schedule() },
    );
    this.#replica = new Replica(options, loaded, ports, this.#replicaHandlers());
    const { core } = this.#replica;
    this.#snapshots = new Snapshots(
      { replica: this.#replica, ...ports },
      { boot: identity.boots, limits: options.limits },
    );
    this.#memberChanges = this.#createMemberChanges(silentAfterMs);
    this.#forwarding = new Forwarding({
      replica: this.#replica,
      store,
      transport,
      memberChanges: this.#memberChanges,
      memberRequests: this.#requests.memberChanges,
    });
    this.#health = new Health({ core, clock, logger }, { ...options, self, silentAfterMs });
    this.#health.knowAlready(core.configuration.members);
    this.#electionHints = new ElectionHints({ core, peers: this.#peers }, { ...options, self });
    this.#peerEvents = this.#createPeerEvents();
  }

  #createMemberChanges(silentAfterMs: number): MemberChanges {
    const { transport, clock, logger } = this.#ports;
    const { core } = this.#replica;
    return new MemberChanges(
      {
        core,
        transport,
        clock,
        logger,
        clusterId: () => this.#membership.identity.clusterId,
        silenceMs: (server) => this.#peers.silenceMs(server),
        isAlive: (server) => this.#peers.isAlive(server),
        schedule: () => this.#replica.schedule(),
        guarded: (action) => this.#replica.guarded(action),
      },
      {
        self: this.#self,
        silentAfterMs,
        timeoutMs: this.#options.limits.memberChangeTimeoutMs,
        promotionWaitMs: PROMOTION_WAIT_MS,
      },
    );
  }

  #createPeerEvents(): PeerEvents {
    const { transport, logger } = this.#ports;
    return new PeerEvents({
      replica: this.#replica,
      peers: this.#peers,
      membership: this.#membership,
      electionHints: this.#electionHints,
      requests: this.#requests,
      forwarding: this.#forwarding,
      snapshots: this.#snapshots,
      transport,
      logger,
      raftAddress: this.#options.raftAddress,
      onLeaderHeard: () => this.#freshness.renew(),
    });
  }

  #replicaHandlers(): ReplicaHandlers {
    return {
      beforeRound: () => this.#beforeRound(),
      afterRound: () => this.#afterRound(),
      // Lost messages are the protocol's business: it repeats what matters.
      send: (message) => this.#ports.transport.send(message.to, { kind: 'raft', message }),
      flush: () => this.#ports.transport.flush(),
      onApplied: (origin, result) => this.#requests.proposals.applied(origin, result),
      onConfiguration: (entry, previous) => this.#membership.configured(entry, previous),
      onRead: (requestId, readIndex) =>
        this.#requests.reads.confirmed(requestId, readIndex, this.#replica.appliedIndex),
      onReadRefused: (requestId) => this.#requests.reads.refused(requestId),
      onSnapshotWanted: (to) => this.#snapshots.send(to),
      onFatal: (error) => this.#fatal(error),
    };
  }

  #listen(done: (error: Error | undefined) => void): void {
    this.#ports.transport.start(this.#peerEvents, (error) => {
      if (error === undefined) this.#replica.guarded(() => this.#begin());
      done(error);
    });
  }

  #begin(): void {
    const { core } = this.#replica;
    if (this.#membership.isRemoved) {
      this.#ports.logger.warn('this server was removed from its cluster: start it with -join to join again');
      return;
    }
    if (core.configuration.members.length === 0) {
      this.#ports.logger.info('not a member of a cluster yet: waiting to be joined');
    }
    this.#followPeers();
    // A cluster of one has nobody to wait for.
    if (core.configuration.members.length === 1) core.campaignNow();
    this.#tickTimer = this.#ports.clock.after(this.#options.tickMs, () => this.#tick());
    this.#replica.schedule();
  }

  propose(command: Uint8Array, done: (outcome: ProposalOutcome) => void): void {
    this.#requests.propose(command, done);
  }

  readBarrier(done: (outcome: ReadOutcome) => void): void {
    this.#requests.readBarrier(done);
  }

  readonly membership: Membership = {
    change: (change, done) => this.#requests.changeMembers(change, done),
    members: () => describeMembers(this.#statusSources()),
  };

  state(): StateReader {
    return this.#replica.state;
  }

  stalenessMs(): number | undefined {
    return this.#freshness.ageMs;
  }

  position(): Position {
    return toPosition(this.#replica.appliedIndex);
  }

  onAdvance(listener: (position: Position) => void): () => void {
    return this.#advanceListeners.add(listener);
  }

  health(): EngineHealth {
    return describeHealth(this.status(), this.#freshness.isCurrent);
  }

  /** Figures of Raft, for tests and the simulator. */
  status(): RaftStatus {
    return describeNode(this.#statusSources());
  }

  #statusSources(): StatusSources {
    return {
      replica: this.#replica,
      peers: this.#peers,
      membership: this.#membership,
      isStopped: this.#phase === 'stopped',
    };
  }

  #refusal(): 'stopped' | 'no-leader' | undefined {
    if (this.#phase !== 'running') return 'stopped';
    return this.#membership.takesPart ? undefined : 'no-leader';
  }

  // ------------------------------------------------------------ rounds and ticks

  #beforeRound(): void {
    const { proposals, reads } = this.#requests;
    if (proposals.hasUnsent) proposals.sendUnsent((encoded) => this.#forwarding.sendProposals(encoded));
    reads.maybeAsk((requestId) => this.#replica.core.readIndex(requestId));
  }

  #afterRound(): void {
    this.#noteLeader();
    this.#followPeers();
    this.#requests.reads.applied(this.#replica.appliedIndex);
    if (this.position() !== this.#announced) {
      this.#announced = this.position();
      this.#advanceListeners.notify(this.#announced);
    }
  }

  #followPeers(): void {
    if (this.#membership.isRemoved) return;
    const { configuration, committedConfiguration } = this.#replica.core;
    this.#peers.follow({ inForce: configuration, committed: committedConfiguration });
  }

  #noteLeader(): void {
    const { leader, term } = this.#replica.core;
    if (leader === this.#seenLeader.leader && term === this.#seenLeader.term) return;
    this.#seenLeader = { leader, term };
    const { logger } = this.#ports;
    if (leader === undefined) {
      logger.info('raft: no leader', { term });
      return;
    }
    logger.info(leader === this.#self ? 'raft: this node leads' : 'raft: new leader', { leader, term });
    this.#requests.leaderChanged();
    this.#replica.schedule();
  }

  #tick(): void {
    if (this.#phase === 'stopped' || this.#membership.isRemoved) return;
    this.#tickTimer = this.#ports.clock.after(this.#options.tickMs, () => this.#tick());
    this.#replica.guarded(() => this.#tickParts());
    this.#replica.tick(this.#snapshots.compactionFloor());
  }

  #tickParts(): void {
    const { core } = this.#replica;
    if (core.role === 'leader' && core.isEstablished) this.#freshness.renew();
    this.#requests.tick((requestId, change) => this.#forwarding.askMemberChange(requestId, change));
    this.#memberChanges.tick();
    this.#health.tick();
    this.#electionHints.tick();
    const { limits, electionTicks } = this.#options;
    const promotion = { lagEntries: limits.promotionLagEntries, silentTicks: electionTicks };
    maybePromote(core, promotion, this.#ports.logger);
    this.#snapshots.tick();
  }

  // ------------------------------------------------------------ the end

  /** The cluster removed this server. */
  #leave(): void {
    // Not inside the round that brought the news: its messages are still to be sent.
    this.#ports.clock.soon(() => {
      if (this.#phase === 'stopped') return;
      // A leader that removed itself answers for it before it falls silent.
      this.#memberChanges.tick();
      this.#requests.stop();
      this.#snapshots.stop();
      this.#peers.leaveAll();
      this.#handlers.onRemoved();
    });
  }

  /** Hands leadership over, lets what is under way finish for a moment, and stops. The store stays open. */
  stop(done: () => void): void {
    if (this.#whenClosed === undefined) {
      this.#ports.clock.soon(done);
      return;
    }
    this.#whenClosed.push(done);
    if (this.#phase !== 'running') return;
    this.#phase = 'stopping';
    const { core } = this.#replica;
    if (core.role === 'leader' && core.transferLeadership()) this.#replica.schedule();
    const deadline = this.#ports.clock.now() + MAX_STOP_MS;
    const poll = (): void => {
      const isDone = !core.isTransferring && this.#requests.proposals.isEmpty;
      if (this.#phase === 'stopped') return;
      if (isDone || this.#ports.clock.now() >= deadline) this.#halt();
      else this.#ports.clock.after(STOP_POLL_MS, poll);
    };
    poll();
  }

  #halt(): void {
    this.#phase = 'stopped';
    this.#tickTimer?.cancel();
    this.#replica.stop();
    this.#peerEvents.stop();
    this.#snapshots.stop();
    this.#requests.stop();
    this.#ports.transport.close(() => {
      const closed = this.#whenClosed ?? [];
      this.#whenClosed = undefined;
      for (const done of closed) done();
    });
  }

  #fatal(error: Error): void {
    if (this.#phase === 'stopped') return;
    const { code } = error instanceof CodedError ? error : { code: 'internal' };
    this.#ports.logger.error('the node stops: it cannot go on', { code, error });
    this.#whenClosed?.push(() => this.#handlers.onFatal(error));
    this.#halt();
  }
}
