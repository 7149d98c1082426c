import { describe, expect, test } from 'vitest';
import { CodedError } from '../../../../shared/coded-error.ts';
import type { MemberChange, MemberChangeOutcome } from '../../../engine.ts';
import { type Role, withMember, withoutMember } from '../../core/configuration.ts';
import type { PeerIdentity, Transport } from '../ports/transport.ts';
import { TestClock, TestLogger } from '../testing/clock.ts';
import { configurationOf, serverOf, TestCore } from '../testing/core.ts';
import { MAX_WAITING_CHANGES, MemberChanges } from './member-changes.ts';

const OPTIONS = { self: serverOf('a'), silentAfterMs: 200, timeoutMs: 5_000, promotionWaitMs: 1_000 };

function createChanges(roles: Readonly<Record<string, Role>> = { a: 'voter', b: 'voter', c: 'voter' }) {
  const clock = new TestClock();
  const core = new TestCore(roles);
  const logger = new TestLogger();
  /** The identity that answers at each address. */
  const listening = new Map<string, PeerIdentity>();
  /** When each server was last heard. A server without an entry was heard just now. */
  const silentSince = new Map<string, number>();
  const transport = {
    probe: (address: string, done: (error: Error | undefined, who: PeerIdentity | undefined) => void) => {
      clock.after(1, () => {
        const who = listening.get(address);
        done(who === undefined ? new CodedError('unreachable', 'connection refused') : undefined, who);
      });
    },
  } as unknown as Transport;
  const silenceMs = (server: string): number => clock.now() - (silentSince.get(server) ?? clock.now());
  const changes = new MemberChanges({
    core,
    transport,
    clock,
    logger,
    membership: { identity: { server: OPTIONS.self, clusterId: 'ours' } },
    peers: { silenceMs, isAlive: (server) => silenceMs(server) < OPTIONS.silentAfterMs },
    replica: { schedule: () => undefined, runOrStop: (action) => action() },
    ...OPTIONS,
  });
  let requests = 0;
  const begin = (change: MemberChange, key = `request ${requests++}`): MemberChangeOutcome[] => {
    const outcomes: MemberChangeOutcome[] = [];
    changes.begin(key, change, (outcome) => outcomes.push(outcome));
    return outcomes;
  };
  const tick = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 10) {
      clock.advance(10);
      changes.onTick();
    }
  };
  return {
    core,
    listening,
    silentSince,
    tick,
    clock,
    logger,
    join: (node: string, peerAddress = `${node}:7000`) =>
      begin({ kind: 'add', node, peerAddress, httpAddress: `${node}:8080` }),
    remove: (node: string, key?: string) => begin({ kind: 'remove', node }, key),
    listen: (node: string, change: Partial<PeerIdentity> & { address?: string } = {}) => {
      const { address = `${node}:7000`, server = serverOf(node), clusterId = '' } = change;
      listening.set(address, { server, clusterId });
    },
    fallSilent: (node: string) => silentSince.set(serverOf(node), clock.now() - 1_000),
    promote: (node: string) => {
      const member = core.configuration.members.find(({ server }) => server === serverOf(node));
      if (member !== undefined)
        core.proposeConfiguration(withMember(core.configuration, { ...member, role: 'voter' }));
      core.commit();
    },
  };
}

describe('joins', () => {
  test('a new node becomes a learner, and is answered when it is a voter', () => {
    const { core, listen, join, tick, promote } = createChanges();
    listen('d');
    const outcomes = join('d');
    tick(10);
    expect(core.members).toContain('d@1:learner');
    core.commit();
    tick(100);
    expect(outcomes).toEqual([]);
    promote('d');
    tick(10);
    expect(outcomes).toEqual([{ kind: 'done', leaderAddress: 'a:7000', role: 'voter' }]);
  });

  test('a node that takes long to catch up is answered as a learner', () => {
    const { core, listen, join, tick } = createChanges();
    listen('d');
    const outcomes = join('d');
    tick(10);
    core.commit();
    tick(1_000);
    expect(outcomes).toMatchObject([{ kind: 'done', role: 'learner' }]);
  });

  test('a member that joins again changes nothing', () => {
    const { core, listen, join, tick } = createChanges();
    listen('b', { clusterId: 'ours' });
    const outcomes = [join('b'), join('b')];
    tick(10);
    expect(outcomes.flat()).toMatchObject([{ kind: 'done', role: 'voter' }, { kind: 'done' }]);
    expect(core.proposed).toEqual([]);
  });

  test('a member that moved is known at its new address', () => {
    const { core, listen, join, tick } = createChanges();
    listen('b', { clusterId: 'ours', address: 'elsewhere:1' });
    const outcomes = join('b', 'elsewhere:1');
    tick(10);
    core.commit();
    tick(10);
    expect(outcomes).toMatchObject([{ kind: 'done', role: 'voter' }]);
    expect(core.configuration.members[1]).toMatchObject({ server: 'b@1', raftAddress: 'elsewhere:1' });
  });

  test('a second join while another is under way waits for it', () => {
    const { core, listen, join, tick, promote } = createChanges();
    listen('d');
    listen('e');
    const outcomes = [join('d'), join('e')];
    tick(10);
    expect(core.members).not.toContain('e@1:learner');
    core.commit();
    tick(10);
    expect(core.members).toContain('e@1:learner');
    core.commit();
    promote('d');
    promote('e');
    tick(10);
    expect(outcomes.flat()).toMatchObject([{ role: 'voter' }, { role: 'voter' }]);
  });

  test('a node whose disk was wiped replaces its old incarnation, once that is silent (trap 19)', () => {
    const { core, listen, join, tick, silentSince, clock } = createChanges();
    listen('c', { server: 'c@2' });
    silentSince.set(serverOf('c'), clock.now());
    const outcomes = join('c');
    tick(190);
    expect(core.proposed).toEqual([]);
    tick(20);
    expect(core.members).toEqual(['a@1:voter', 'b@1:voter']);
    // The addition must wait until the removal is committed.
    tick(50);
    expect(core.proposed).toHaveLength(1);
    core.commit();
    tick(10);
    expect(core.members).toEqual(['a@1:voter', 'b@1:voter', 'c@2:learner']);
    expect(core.configuration.removed).toEqual(['c@1']);
    expect(outcomes).toEqual([]);
  });

  test("silence from before the join counts if the new incarnation answers at the old one's address", () => {
    const { core, listen, join, tick, silentSince, clock } = createChanges();
    silentSince.set(serverOf('c'), clock.now());
    tick(150);
    listen('c', { server: 'c@2' });
    join('c');
    tick(40);
    expect(core.proposed).toEqual([]);
    tick(20);
    expect(core.members).toEqual(['a@1:voter', 'b@1:voter']);
  });

  test('silence counts from the join if the new incarnation answers elsewhere: the old one may only be cut off', () => {
    const { core, listen, join, tick, silentSince, clock } = createChanges();
    silentSince.set(serverOf('c'), clock.now());
    tick(500);
    listen('c', { server: 'c@2', address: 'other:7000' });
    join('c', 'other:7000');
    tick(190);
    expect(core.proposed).toEqual([]);
    tick(20);
    expect(core.members).toEqual(['a@1:voter', 'b@1:voter']);
  });

  test('a namesake of a member that is alive is refused', () => {
    const { core, listen, join, tick } = createChanges();
    listen('c', { server: 'c@2', address: 'other:7000' });
    const outcomes = join('c', 'other:7000');
    tick(300);
    expect(outcomes).toMatchObject([{ kind: 'refused', code: 'node_id_in_use' }]);
    expect(core.proposed).toEqual([]);
  });

  test('a namesake of the leader is refused at once', () => {
    const { listen, join, tick } = createChanges();
    listen('a', { server: 'a@2', address: 'other:7000' });
    const outcomes = join('a', 'other:7000');
    tick(10);
    expect(outcomes).toMatchObject([{ code: 'node_id_in_use' }]);
  });

  test('an old incarnation whose removal would stop the cluster is not removed', () => {
    const { core, listen, join, tick, silentSince, clock, fallSilent } = createChanges();
    listen('c', { server: 'c@2' });
    fallSilent('b');
    silentSince.set(serverOf('c'), clock.now());
    const outcomes = join('c');
    tick(300);
    expect(outcomes).toMatchObject([{ code: 'would_lose_quorum' }]);
    expect(core.proposed).toEqual([]);
  });

  test.each([
    ['an address that a member has', 'address_in_use', 'd', 'b:7000', undefined],
    ['an address where nobody listens', 'node_unreachable', 'd', 'd:7000', undefined],
    ['an address where another node answers', 'wrong_node', 'd', 'd:7000', { server: 'e@1' }],
    ['a node of another cluster', 'foreign_cluster', 'd', 'd:7000', { clusterId: 'theirs' }],
  ])('%s is refused', (_, code, node, address, identity) => {
    const { core, listen, join, tick } = createChanges();
    if (identity !== undefined) listen(node, { ...identity, address });
    const outcomes = join(node, address);
    tick(10);
    expect(outcomes).toMatchObject([{ kind: 'refused', code }]);
    expect(core.proposed).toEqual([]);
  });

  test('a server that was removed and still runs as its old self is refused', () => {
    const { core, listen, join, tick } = createChanges();
    core.configuration = withoutMember(core.configuration, serverOf('c'));
    core.commit();
    listen('c', { clusterId: 'ours' });
    const outcomes = join('c');
    tick(10);
    expect(outcomes).toMatchObject([{ code: 'removed_server' }]);
  });

  test('a server that is removed while its join waits is not added again', () => {
    const { core, listen, join, tick } = createChanges();
    listen('d');
    const outcomes = join('d');
    tick(10);
    core.commit();
    core.proposeConfiguration(withoutMember(core.configuration, serverOf('d')));
    core.commit();
    tick(10);
    expect(outcomes).toMatchObject([{ code: 'removed_server' }]);
    expect(core.proposed).toHaveLength(2);
  });

  test('a full cluster takes no further node', () => {
    const names = Array.from({ length: 64 }, (_, number) => `n${number + 10}`);
    const { listen, join, tick } = createChanges(Object.fromEntries(names.map((name) => [name, 'learner'])));
    listen('d');
    const outcomes = join('d');
    tick(10);
    expect(outcomes).toMatchObject([{ code: 'too_many_members' }]);
  });
});

describe('removals', () => {
  test('a member is removed when that is committed', () => {
    const { core, remove, tick } = createChanges();
    const outcomes = remove('c');
    expect(core.members).toEqual(['a@1:voter', 'b@1:voter']);
    tick(50);
    expect(outcomes).toEqual([]);
    core.commit();
    tick(10);
    expect(outcomes).toEqual([{ kind: 'done', leaderAddress: 'a:7000', role: 'removed' }]);
  });

  test('the removal of a node that is no member is refused as not found', () => {
    expect(createChanges().remove('x')).toMatchObject([{ kind: 'refused', code: 'not_found' }]);
  });

  test('the last voter is not removed', () => {
    const { core, remove } = createChanges({ a: 'voter', b: 'learner' });
    expect(remove('a')).toMatchObject([{ code: 'last_voter' }]);
    expect(core.proposed).toEqual([]);
  });

  test('a removal that the rest could not commit is refused', () => {
    const { remove, fallSilent } = createChanges();
    fallSilent('b');
    expect(remove('c')).toMatchObject([{ code: 'would_lose_quorum' }]);
  });

  test('a dead member and a learner may be removed', () => {
    const { remove, fallSilent, core } = createChanges({ a: 'voter', b: 'voter', c: 'voter', d: 'learner' });
    fallSilent('c');
    remove('c');
    expect(core.members).toEqual(['a@1:voter', 'b@1:voter', 'd@1:learner']);
    core.commit();
    fallSilent('b');
    remove('d');
    expect(core.members).toEqual(['a@1:voter', 'b@1:voter']);
  });

  test('a leader that removes itself says so after it stopped leading', () => {
    const { core, remove, tick } = createChanges();
    const outcomes = remove('a');
    core.commit();
    core.role = 'follower';
    tick(10);
    expect(outcomes).toMatchObject([{ kind: 'done', role: 'removed' }]);
  });
});

describe('answers', () => {
  test('a server that does not lead begins nothing, and never reports a stranger as removed', () => {
    const { core, remove, join } = createChanges();
    core.role = 'follower';
    expect([remove('c'), remove('stranger'), join('d')].flat()).toEqual([
      { kind: 'no-leader' },
      { kind: 'no-leader' },
      { kind: 'no-leader' },
    ]);
  });

  test('a leader that loses leadership after it proposed does not know the outcome', () => {
    const { core, remove, tick } = createChanges();
    const outcomes = remove('c');
    core.role = 'follower';
    tick(10);
    expect(outcomes).toEqual([{ kind: 'unknown' }]);
  });

  test('a change that is not committed in time is unknown', () => {
    const { remove, tick } = createChanges();
    const outcomes = remove('c');
    tick(5_000);
    expect(outcomes).toEqual([{ kind: 'unknown' }]);
  });

  test('the number of waiting requests is bounded (trap 36)', () => {
    const { remove, core } = createChanges();
    core.configuration = configurationOf({ a: 'voter', b: 'voter', c: 'voter', d: 'learner' });
    for (let more = 0; more < MAX_WAITING_CHANGES; more++) expect(remove('c')).toEqual([]);
    expect(remove('c')).toMatchObject([{ kind: 'refused', code: 'too_busy' }]);
  });

  test('a request that is repeated while it is under way is answered once', () => {
    const { core, remove, tick } = createChanges();
    const [first, again] = [remove('c', 'one'), remove('c', 'one')];
    core.commit();
    tick(10);
    expect([first.length, again]).toEqual([1, []]);
    // The answer to the first request was lost, so the change is begun again.
    expect(remove('c', 'one')).toMatchObject([{ code: 'not_found' }]);
  });

  test('the handler of an answer may begin the next change', () => {
    const { core, remove, tick } = createChanges();
    const outcomes = remove('c');
    const more: MemberChangeOutcome[][] = [];
    const push = outcomes.push.bind(outcomes);
    outcomes.push = (...items) => {
      more.push(remove('nobody'));
      return push(...items);
    };
    core.commit();
    tick(10);
    expect([outcomes.length, more.flat()]).toMatchObject([1, [{ code: 'not_found' }]]);
  });
});
