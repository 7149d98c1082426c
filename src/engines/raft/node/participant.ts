// The hooks of a replica. Each part of the node implements the hooks that it needs.

import type { ProposalOrigin } from '../codec/peer-message.ts';
import type { Configuration, ServerId } from '../core/configuration.ts';
import type { ConfigurationEntry } from '../core/entry.ts';

export interface Participant {
  /** Called before each round: requests that wait go into the core now. */
  beforeRound?(): void;
  /** Called after each round: role, leader, commit index or state may have changed. */
  afterRound?(): void;
  onTick?(): void;
  /** Another server leads, or the same one in another term. */
  onNewLeader?(): void;
  /** A command was applied, for the first and only time. */
  onApplied?(origin: ProposalOrigin, result: unknown): void;
  /** A configuration was committed. `previous` was in force before. */
  onConfiguration?(entry: ConfigurationEntry, previous: Configuration): void;
  onReadConfirmed?(requestId: number, readIndex: number): void;
  onReadRefused?(requestId: number): void;
  /** The core needs `server` to be sent a snapshot. The core must be told how that ended. */
  onSnapshotWanted?(server: ServerId): void;
  /** Returns the index above which entries must stay in the log. */
  compactionFloor?(): number;
  /** The node takes no further part: requests that wait are answered now. May be called twice. */
  onStop?(): void;
}

type Hook = keyof Participant;
type With<H extends Hook> = Required<Pick<Participant, H>>;

export type Hooks = { readonly [H in Hook]: readonly With<H>[] };

/** Lists the participants of each hook, in order. Some hooks are called for every round or every command. */
export function hooksOf(participants: readonly Participant[]): Hooks {
  const having = <H extends Hook>(hook: H): With<H>[] =>
    participants.filter((one): one is Participant & With<H> => one[hook] !== undefined);
  return {
    beforeRound: having('beforeRound'),
    afterRound: having('afterRound'),
    onTick: having('onTick'),
    onNewLeader: having('onNewLeader'),
    onApplied: having('onApplied'),
    onConfiguration: having('onConfiguration'),
    onReadConfirmed: having('onReadConfirmed'),
    onReadRefused: having('onReadRefused'),
    onSnapshotWanted: having('onSnapshotWanted'),
    compactionFloor: having('compactionFloor'),
    onStop: having('onStop'),
  };
}
