// One node: the embedded Raft as an engine. Constructs the parts, implements the port and its life cycle.

import { CodedError } from '../../../shared/coded-error.ts';
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
import { Freshness } from './freshness.ts';
import type { LoadedState } from './log/durable-records.ts';
import { Health } from './membership/health.ts';
import { MemberChanges } from './membership/member-changes.ts';
import { OwnMembership } from './membership/own-membership.ts';
import { Peers } from './membership/peers.ts';
import { Promotion } from './membership/promotion.ts';
import { describeHealth, describeMembers, describeNode, type RaftStatus } from './node-status.ts';
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
    members: () => describeMembers(this.#statusSources),
  };
  readonly #options: RaftOptions;
  readonly #ports: NodePorts;
  readonly #handlers: NodeHandlers;
  readonly #replica: Replica;
  readonly #ownMembership: OwnMembership;
  readonly #peers: Peers;
  readonly #requests: ClientRequests;
  readonly #memberChanges: MemberChanges;
  readonly #freshness: Freshness;
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

  private constructor(options: RaftOptions, loaded: LoadedState, ports: NodePorts, handlers: NodeHandlers) {
    const { clock, logger, transport, store } = ports;
    const { identity } = loaded;
    const { limits, electionTicks } = options;
    const timing = { ...options, self: identity.server, silentAfterMs: 2 * electionTicks * options.tickMs };
    this.#options = options;
    this.#ports = ports;
    this.#handlers = handlers;
    const replica = new Replica(options, loaded, ports, (error) => this.#onFatal(error));
    const { core } = replica;
    const membership = new OwnMembership(loaded, { replica, logger, onRemoved: () => this.#onRemoved() });
    const peers = new Peers({ transport, clock, logger, core, membership }, timing);
    const memberChanges = new MemberChanges(
      { core, replica, membership, peers, transport, clock, logger },
      { ...timing, timeoutMs: limits.memberChangeTimeoutMs, promotionWaitMs: PROMOTION_WAIT_MS },
    );
    const forwarding = new Forwarding({ replica, store, transport, memberChanges });
    const requests = new ClientRequests(
      { clock, replica, membership, carrier: forwarding },
      { identity, options },
    );
    const snapshots = new Snapshots({ ...ports, replica }, { boot: identity.boots, limits });
    const health = new Health({ core, clock, logger }, timing);
    const electionHints = new ElectionHints({ core, peers }, timing);
    const freshness = new Freshness({ clock, core }, timing.silentAfterMs);
    const promotion = new Promotion(
      { core, logger },
      { lagEntries: limits.promotionLagEntries, silentTicks: electionTicks },
    );
    this.#replica = replica;
    this.#ownMembership = membership;
    this.#peers = peers;
    this.#requests = requests;
    this.#memberChanges = memberChanges;
    this.#freshness = freshness;
    this.#peerEvents = new PeerEvents({
      replica,
      peers,
      membership,
      electionHints,
      requests,
      forwarding,
      snapshots,
      freshness,
      transport,
      logger,
      raftAddress: options.raftAddress,
    });
    replica.setParticipants([
      freshness,
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

  #listen(done: (error: Error | undefined) => void): void {
    this.#ports.transport.start(this.#peerEvents, (error) => {
      if (error === undefined) this.#replica.runOrStop(() => this.#begin());
      done(error);
    });
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
    return this.#replica.state.reader;
  }

  position(): Position {
    return this.#replica.state.position;
  }

  onAdvance(listener: (position: Position) => void): () => void {
    return this.#replica.state.onAdvance(listener);
  }

  stalenessMs(): number | undefined {
    return this.#freshness.ageMs;
  }

  health(): EngineHealth {
    return describeHealth(this.status(), this.#freshness.isCurrent);
  }

  /** Figures of Raft, for tests and the simulator. */
  status(): RaftStatus {
    return describeNode(this.#statusSources);
  }

  get #statusSources() {
    return {
      replica: this.#replica,
      peers: this.#peers,
      membership: this.#ownMembership,
      isStopped: this.#phase === 'stopped',
    };
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
