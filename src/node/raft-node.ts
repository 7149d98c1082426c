// One node: the embedded Raft behind the Engine port. Wires the replica, what travels between nodes, what waits
// for consensus, and who is a member.

import type { MemberChange, MemberChangeOutcome, PeerMessage } from '../codec/peer-message.ts';
import type { StateReader } from '../farm/state-view.ts';
import { type Configuration, findMember, isVoter, type ServerId } from '../raft/configuration.ts';
import type { ConfigurationEntry } from '../raft/entry.ts';
import type { Message } from '../raft/message.ts';
import { unreachable } from '../shared/assert.ts';
import { CodedError } from '../shared/coded-error.ts';
import { readProposal } from './applier.ts';
import { boot } from './boot.ts';
import { Health } from './health.ts';
import { type LoadedState, type NodeIdentity, putIdentity, putRemoved } from './log-store.ts';
import { MemberChanges } from './member-changes.ts';
import { MemberRequests } from './member-requests.ts';
import type { NodeOptions } from './options.ts';
import { Peers } from './peers.ts';
import type {
  Channel,
  Engine,
  EngineStatus,
  MemberStatus,
  PeerIdentity,
  ProposalOutcome,
  ReadOutcome,
  RefusalReason,
  ServerState,
  Timer,
  Transport,
} from './ports.ts';
import { maybePromote } from './promotion.ts';
import { type BatchResult, Proposals } from './proposals.ts';
import { Reads } from './reads.ts';
import { Replica, type ReplicaPorts } from './replica.ts';
import { nodeOf } from './server-id.ts';
import { Snapshots } from './snapshots.ts';

export interface NodePorts extends ReplicaPorts {
  readonly transport: Transport;
}

export interface NodeHandlers {
  /** The node has stopped and cannot go on: damaged disk, broken invariant. */
  onFatal(error: Error): void;
  /** The cluster removed this server. It takes no further part; a new start with `join` makes it a new server. */
  onRemoved(): void;
}

/** Request ids of different starts of one process never meet. */
const REQUEST_IDS_PER_BOOT = 2 ** 32;
/** How long a graceful stop waits for a successor and for its proposals. */
const MAX_STOP_MS = 2_000;
const STOP_POLL_MS = 10;
/** A joined node that is still a learner after this long is answered as one. */
const PROMOTION_WAIT_MS = 10_000;
const MEMBER_REQUEST_RESEND_MS = 5_000;

export class RaftNode implements Engine {
  readonly #options: NodeOptions;
  readonly #ports: NodePorts;
  readonly #handlers: NodeHandlers;
  readonly #identity: NodeIdentity;
  #clusterId: string;
  readonly #peers: Peers;
  readonly #replica: Replica;
  readonly #proposals: Proposals;
  readonly #reads: Reads;
  readonly #snapshots: Snapshots;
  readonly #memberChanges: MemberChanges;
  readonly #memberRequests: MemberRequests;
  readonly #health: Health;
  #isRemoved: boolean;
  #phase: 'running' | 'stopping' | 'stopped' = 'running';
  #tickTimer: Timer | undefined;
  /** Who led, and in which term, when this was last looked at. */
  #seenLeader: { readonly server: ServerId | undefined; readonly term: number } = {
    server: undefined,
    term: 0,
  };
  /** When this node last knew its state to be current. */
  #freshAt: number | undefined;

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
    try {
      boot(ports, options, (error, loaded) => {
        if (loaded === undefined) {
          done(error, undefined);
          return;
        }
        const node = new RaftNode(options, loaded, ports, handlers);
        node.#listen((failure) => done(failure, failure === undefined ? node : undefined));
      });
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      ports.clock.soon(() => done(failure, undefined));
    }
  }

  private constructor(options: NodeOptions, loaded: LoadedState, ports: NodePorts, handlers: NodeHandlers) {
    const { clock, logger, transport } = ports;
    const { limits } = options;
    this.#options = options;
    this.#ports = ports;
    this.#handlers = handlers;
    this.#identity = loaded.identity;
    this.#clusterId = this.#identity.clusterId;
    this.#isRemoved = loaded.removed;
    const { server, boots } = this.#identity;
    this.#peers = new Peers(server, ports);
    this.#proposals = new Proposals(clock, {
      server,
      boot: boots,
      maxWaiting: limits.maxWaitingProposals,
      maxBytes: limits.maxProposalBytes,
      leaderWaitMs: limits.leaderWaitMs,
      timeoutMs: limits.proposalTimeoutMs,
      resendAfterMs: limits.resendAfterMs,
    });
    this.#reads = new Reads(clock, {
      firstRequestId: boots * REQUEST_IDS_PER_BOOT,
      maxWaiting: limits.maxWaitingReads,
      timeoutMs: limits.leaderWaitMs,
      resendAfterMs: options.electionTicks * options.tickMs,
    });
    this.#replica = new Replica(options, loaded, ports, {
      beforeRound: () => this.#beforeRound(),
      afterRound: () => this.#afterRound(),
      send: (message) => this.#sendRaft(message),
      onApplied: (origin, result) => this.#proposals.applied(origin, result),
      onConfiguration: (entry, previous) => this.#onConfiguration(entry, previous),
      onRead: (requestId, readIndex) =>
        this.#reads.confirmed(requestId, readIndex, this.#replica.appliedIndex),
      onReadRefused: (requestId) => this.#reads.refused(requestId),
      onSnapshotWanted: (to) => this.#snapshots.send(to),
      onFatal: (error) => this.#fatal(error),
    });
    const { core } = this.#replica;
    this.#snapshots = new Snapshots({ replica: this.#replica, ...ports }, { boot: boots, limits });
    const silentAfterMs = 2 * options.electionTicks * options.tickMs;
    this.#memberChanges = new MemberChanges(
      {
        core,
        transport,
        clock,
        logger,
        clusterId: () => this.#clusterId,
        silenceMs: (member) => this.#peers.silenceMs(member),
        schedule: () => this.#replica.schedule(),
      },
      {
        self: server,
        silentAfterMs,
        timeoutMs: limits.memberChangeTimeoutMs,
        promotionWaitMs: PROMOTION_WAIT_MS,
      },
    );
    this.#memberRequests = new MemberRequests(clock, {
      firstRequestId: boots * REQUEST_IDS_PER_BOOT,
      timeoutMs: limits.memberChangeTimeoutMs + limits.leaderWaitMs,
      resendAfterMs: MEMBER_REQUEST_RESEND_MS,
    });
    this.#health = new Health({ core, clock, logger }, { ...options, self: server, silentAfterMs });
    this.#health.knowAlready(core.configuration.members);
  }

  #listen(done: (error: Error | undefined) => void): void {
    this.#ports.transport.start(
      {
        identity: () => ({ server: this.#identity.server, clusterId: this.#clusterId }),
        admit: (peer) => this.#admit(peer),
        onMessage: (from, message) => this.#replica.guarded(() => this.#onMessage(from, message)),
        onPeerUp: (server) => this.#onPeerUp(server),
        onPeerDown: (server, cause) => this.#onPeerDown(server, cause),
        onRefused: (server, reason) => this.#onRefused(server, reason),
        onChannel: (from, channel) => this.#onChannel(from, channel),
      },
      (error) => {
        if (error === undefined) this.#begin();
        done(error);
      },
    );
  }

  #begin(): void {
    const { core } = this.#replica;
    if (this.#isRemoved) {
      this.#ports.logger.warn('this server was removed from its cluster: start it with -join to join again');
      return;
    }
    if (core.configuration.members.length === 0) {
      this.#ports.logger.info('not a member of a cluster yet: waiting to be joined');
    }
    this.#peers.follow(core.configuration);
    // A cluster of one has nobody to wait for.
    if (core.configuration.members.length === 1) core.campaignNow();
    this.#tickTimer = this.#ports.clock.after(this.#options.tickMs, () => this.#tick());
    this.#replica.schedule();
  }

  // ------------------------------------------------------------ Engine

  propose(command: Uint8Array, done: (outcome: ProposalOutcome) => void): void {
    const later = (outcome: ProposalOutcome): void => this.#ports.clock.soon(() => done(outcome));
    if (this.#phase !== 'running') later({ kind: 'refused', reason: 'stopped' });
    else if (!this.#takesPart) later({ kind: 'refused', reason: 'no-leader' });
    else {
      const refusal = this.#proposals.add(command, done);
      if (refusal === undefined) this.#replica.schedule();
      else later({ kind: 'refused', reason: refusal });
    }
  }

  readBarrier(done: (outcome: ReadOutcome) => void): void {
    const later = (outcome: ReadOutcome): void => this.#ports.clock.soon(() => done(outcome));
    if (this.#phase !== 'running') later({ kind: 'refused', reason: 'stopped' });
    else if (!this.#takesPart) later({ kind: 'refused', reason: 'no-leader' });
    else if (this.#reads.add(done)) this.#replica.schedule();
    else later({ kind: 'refused', reason: 'too-busy' });
  }

  state(): StateReader {
    return this.#replica.state;
  }

  stalenessMs(): number | undefined {
    return this.#freshAt === undefined ? undefined : this.#ports.clock.now() - this.#freshAt;
  }

  changeMembers(change: MemberChange, done: (outcome: MemberChangeOutcome) => void): void {
    if (this.#phase === 'running' && this.#takesPart && this.#memberRequests.add(change, done)) {
      this.#replica.schedule();
    } else this.#ports.clock.soon(() => done({ kind: 'no-leader' }));
  }

  status(): EngineStatus {
    const { core } = this.#replica;
    const { configuration } = core;
    return {
      server: this.#identity.server,
      node: nodeOf(this.#identity.server),
      clusterId: this.#clusterId,
      state: this.#serverState(configuration),
      term: core.term,
      leader: core.leader === undefined ? undefined : findMember(configuration, core.leader),
      commitIndex: core.commitIndex,
      appliedIndex: this.#replica.appliedIndex,
      lastLogIndex: core.lastLogIndex,
      snapshotIndex: this.#replica.snapshotIndex,
      configuration,
      members: configuration.members.map((member) => {
        return { ...member, node: nodeOf(member.server), ...this.#contactWith(member.server) };
      }),
    };
  }

  #serverState(configuration: Configuration): ServerState {
    if (this.#phase === 'stopped') return 'stopped';
    if (this.#isRemoved) return 'removed';
    if (configuration.members.length === 0) return 'waiting';
    const { role } = this.#replica.core;
    return role === 'follower' && !isVoter(configuration, this.#identity.server) ? 'learner' : role;
  }

  #contactWith(server: ServerId): Pick<MemberStatus, 'healthy' | 'lastContactMs' | 'matchIndex'> {
    const { core } = this.#replica;
    const progress = core.progressOf(server);
    if (server === this.#identity.server) {
      return { healthy: !this.#isRemoved, lastContactMs: 0, matchIndex: progress?.match };
    }
    const silence = this.#peers.silenceMs(server);
    // Followers speak to the leader alone: of each other they know only whether the connection stands.
    const healthy =
      core.role === 'leader' ? this.#memberChanges.isAlive(server) : this.#peers.isConnected(server);
    return { healthy, lastContactMs: silence, matchIndex: progress?.match };
  }

  get #takesPart(): boolean {
    return !this.#isRemoved && this.#clusterId !== '';
  }

  // ------------------------------------------------------------ rounds

  #beforeRound(): void {
    const { core } = this.#replica;
    if (this.#proposals.hasUnsent) this.#proposals.sendUnsent((encoded) => this.#sendProposals(encoded));
    this.#reads.maybeAsk((requestId) => core.readIndex(requestId));
  }

  #afterRound(): void {
    const { core } = this.#replica;
    this.#noteLeader();
    this.#peers.follow(core.configuration);
    this.#reads.applied(this.#replica.appliedIndex);
  }

  #noteLeader(): void {
    const { leader, term } = this.#replica.core;
    if (leader === this.#seenLeader.server && term === this.#seenLeader.term) return;
    this.#seenLeader = { server: leader, term };
    if (leader === undefined) {
      this.#ports.logger.info('raft: no leader', { term });
      return;
    }
    const isSelf = leader === this.#identity.server;
    this.#ports.logger.info(isSelf ? 'raft: this node leads' : 'raft: new leader', { leader, term });
    this.#proposals.leaderChanged();
    this.#reads.leaderChanged();
    this.#memberRequests.leaderChanged();
    this.#replica.schedule();
  }

  #sendProposals(encoded: readonly Uint8Array[]): BatchResult {
    const { core } = this.#replica;
    if (core.role === 'leader') return this.#appendProposals(encoded);
    if (core.leader === undefined) return 'not-sent';
    const message: PeerMessage = { kind: 'forwarded-proposals', proposals: encoded };
    return this.#ports.transport.send(core.leader, message) ? 'taken' : 'not-sent';
  }

  #appendProposals(encoded: readonly Uint8Array[]): BatchResult {
    if (this.#isDiskLow()) return 'disk-full';
    const result = this.#replica.core.propose(encoded);
    if (result.kind === 'appended') return 'taken';
    return result.reason === 'too-busy' ? 'too-busy' : 'not-sent';
  }

  /** Before the disk is really full: votes, members and what is in the log already must still find room (trap 33). */
  #isDiskLow(): boolean {
    const { freeBytes, reserveBytes } = this.#ports.store.space();
    return this.#replica.isDiskFull || freeBytes < reserveBytes;
  }

  #tick(): void {
    if (this.#phase === 'stopped' || this.#isRemoved) return;
    this.#tickTimer = this.#ports.clock.after(this.#options.tickMs, () => this.#tick());
    const { core } = this.#replica;
    if (core.role === 'leader' && core.isEstablished) this.#freshAt = this.#ports.clock.now();
    this.#proposals.tick();
    this.#reads.tick();
    this.#memberRequests.tick((requestId, change) => this.#askMemberChange(requestId, change));
    this.#memberChanges.tick();
    this.#health.tick();
    maybePromote(
      core,
      { lagEntries: this.#options.limits.promotionLagEntries, silentTicks: this.#options.electionTicks },
      this.#ports.logger,
    );
    this.#snapshots.tick();
    this.#replica.tick(this.#snapshots.compactionFloor());
  }

  // ------------------------------------------------------------ peers

  #admit(peer: PeerIdentity): RefusalReason | undefined {
    const { core } = this.#replica;
    const refusal = this.#peers.admit(peer, {
      clusterId: this.#clusterId,
      committed: core.committedConfiguration,
    });
    if (refusal !== undefined) return refusal;
    if (this.#clusterId === '' && peer.clusterId !== '') this.#adoptCluster(peer.clusterId);
    return undefined;
  }

  /** A leader that knows this server by its incarnation has made it a member: this is its cluster from now on. */
  #adoptCluster(clusterId: string): void {
    this.#clusterId = clusterId;
    this.#ports.logger.info('joined a cluster', { clusterId });
    this.#replica.write([putIdentity({ ...this.#identity, clusterId })]);
  }

  #onPeerUp(server: ServerId): void {
    this.#peers.up(server);
    this.#ports.transport.send(server, { kind: 'introduction', raftAddress: this.#options.raftAddress });
    this.#replica.schedule();
  }

  #onPeerDown(server: ServerId, cause: 'refused' | 'closed' | 'unreachable'): void {
    this.#peers.down(server);
    if (cause !== 'refused') return;
    this.#replica.core.suspectLeader(server);
    this.#replica.schedule();
  }

  #onRefused(server: ServerId, reason: RefusalReason): void {
    this.#ports.logger.debug('refused by a peer', { server, reason });
    if (reason === 'removed') this.#becomeRemoved();
  }

  #onChannel(from: ServerId, channel: Channel): void {
    if (this.#isRemoved || this.#phase === 'stopped') channel.close();
    else this.#snapshots.receive(from, channel);
  }

  #onMessage(from: ServerId, message: PeerMessage): void {
    if (this.#isRemoved || this.#phase === 'stopped') return;
    this.#peers.heard(from);
    switch (message.kind) {
      case 'raft':
        this.#replica.core.step(message.message);
        if (from === this.#replica.core.leader) this.#freshAt = this.#ports.clock.now();
        break;
      case 'introduction':
        this.#peers.introduce(from, message.raftAddress);
        break;
      case 'forwarded-proposals':
        this.#takeForwarded(from, message.proposals);
        break;
      case 'proposals-refused':
        this.#proposals.refused(message);
        break;
      case 'forwarded-member-change':
        this.#memberChanges.begin(message.change, (outcome) => {
          const { requestId } = message;
          this.#ports.transport.send(from, { kind: 'member-change-answer', requestId, outcome });
        });
        break;
      case 'member-change-answer':
        this.#memberRequests.answered(message.requestId, message.outcome);
        break;
      default:
        unreachable(message);
    }
    this.#replica.schedule();
  }

  #sendRaft(message: Message): void {
    // Lost messages are the protocol's business: it repeats what matters.
    this.#ports.transport.send(message.to, { kind: 'raft', message });
  }

  #takeForwarded(from: ServerId, proposals: readonly Uint8Array[]): void {
    const result = this.#replica.core.role === 'leader' ? this.#appendProposals(proposals) : 'not-sent';
    if (result === 'taken') return;
    const reason = result === 'not-sent' ? 'not-leader' : result;
    const sequences = proposals.flatMap((bytes) => readProposal(bytes)?.origin.sequence ?? []);
    this.#ports.transport.send(from, { kind: 'proposals-refused', sequences, reason });
  }

  #askMemberChange(requestId: number, change: MemberChange): boolean {
    const { core } = this.#replica;
    if (core.role === 'leader') {
      this.#memberChanges.begin(change, (outcome) => this.#memberRequests.answered(requestId, outcome));
      return true;
    }
    if (core.leader === undefined) return false;
    return this.#ports.transport.send(core.leader, { kind: 'forwarded-member-change', requestId, change });
  }

  // ------------------------------------------------------------ membership of this node

  #onConfiguration(entry: ConfigurationEntry, previous: Configuration): void {
    const { server } = this.#identity;
    const describe = (configuration: Configuration): string[] =>
      configuration.members.map((member) => `${nodeOf(member.server)}:${member.role}`);
    this.#ports.logger.info('membership: committed', {
      index: entry.index,
      members: describe(entry.configuration),
      before: describe(previous),
    });
    if (entry.configuration.removed.includes(server)) this.#becomeRemoved();
  }

  #becomeRemoved(): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    this.#ports.logger.warn('this server was removed from its cluster: it takes no further part');
    this.#replica.write([putRemoved()]);
    // Not inside the round that brought the news: its messages are still to be sent.
    this.#ports.clock.soon(() => {
      if (this.#phase === 'stopped') return;
      this.#proposals.stop();
      this.#reads.stop();
      this.#memberRequests.stop();
      this.#ports.transport.setPeers(new Map());
      this.#handlers.onRemoved();
    });
  }

  // ------------------------------------------------------------ the end

  /** Hands leadership over, lets what is under way finish for a moment, and stops. The store stays open. */
  stop(done: () => void): void {
    if (this.#phase !== 'running') {
      this.#ports.clock.soon(done);
      return;
    }
    this.#phase = 'stopping';
    const { core } = this.#replica;
    if (core.role === 'leader' && core.transferLeadership()) this.#replica.schedule();
    const deadline = this.#ports.clock.now() + MAX_STOP_MS;
    const poll = (): void => {
      const isDone = !core.isTransferring && this.#proposals.isEmpty;
      if (this.#phase === 'stopping' && !isDone && this.#ports.clock.now() < deadline) {
        this.#ports.clock.after(STOP_POLL_MS, poll);
      } else this.#halt(done);
    };
    poll();
  }

  #halt(done: () => void): void {
    this.#phase = 'stopped';
    this.#tickTimer?.cancel();
    this.#replica.stop();
    this.#snapshots.stop();
    this.#proposals.stop();
    this.#reads.stop();
    this.#memberRequests.stop();
    this.#ports.transport.close(done);
  }

  #fatal(error: Error): void {
    if (this.#phase === 'stopped') return;
    const { code } = error instanceof CodedError ? error : { code: 'internal' };
    this.#ports.logger.error('the node stops: it cannot go on', { code, error });
    this.#halt(() => this.#handlers.onFatal(error));
  }
}
