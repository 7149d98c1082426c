import { expect, test } from 'vitest';
import {
  type Configuration,
  EMPTY_CONFIGURATION,
  withMember,
  withoutMember,
} from '../../core/configuration.ts';
import { TestClock, TestLogger } from '../testing/clock.ts';
import { Peers } from './peers.ts';

function membersOf(...nodes: string[]): Configuration {
  return nodes.reduce(
    (configuration, node) =>
      withMember(configuration, {
        server: `${node}@1`,
        role: 'voter',
        raftAddress: `${node}:7000`,
        httpAddress: `${node}:8080`,
      }),
    EMPTY_CONFIGURATION,
  );
}

function createPeers() {
  const clock = new TestClock();
  const dialled: string[][] = [];
  const transport = {
    setPeers: (peers: ReadonlyMap<string, string>) => {
      dialled.push([...peers.values()].sort());
    },
  };
  const core = { configuration: EMPTY_CONFIGURATION, committedConfiguration: EMPTY_CONFIGURATION };
  const membership = { isRemoved: false, identity: { server: 'a@1', clusterId: 'one' } };
  const peers = new Peers(
    { transport, clock, logger: new TestLogger(), core, membership },
    { self: 'a@1', silentAfterMs: 200 },
  );
  const follow = ({ inForce, committed }: { inForce: Configuration; committed: Configuration }): void => {
    core.configuration = inForce;
    core.committedConfiguration = committed;
    peers.afterRound();
  };
  return { clock, peers, follow, membership, dialled: () => dialled.at(-1), changes: dialled };
}

const THREE = membersOf('a', 'b', 'c');

test('a node connects to the other members, and not to itself', () => {
  const { dialled, follow } = createPeers();
  follow({ inForce: THREE, committed: THREE });
  expect(dialled()).toEqual(['b:7000', 'c:7000']);
});

test('an unchanged configuration changes nothing', () => {
  const { changes, follow } = createPeers();
  for (let more = 0; more < 3; more++) follow({ inForce: THREE, committed: THREE });
  expect(changes).toHaveLength(1);
});

test('a server that is being removed stays connected until the removal is committed', () => {
  const { dialled, follow } = createPeers();
  const without = withoutMember(THREE, 'c@1');
  follow({ inForce: without, committed: THREE });
  expect(dialled()).toEqual(['b:7000', 'c:7000']);
  follow({ inForce: without, committed: without });
  expect(dialled()).toEqual(['b:7000']);
});

test('a member that moves is dialled where it is now', () => {
  const { dialled, follow } = createPeers();
  const moved = withMember(THREE, {
    ...(THREE.members[1] as Configuration['members'][0]),
    raftAddress: 'b:1',
  });
  follow({ inForce: moved, committed: THREE });
  expect(dialled()).toEqual(['b:1', 'c:7000']);
});

test('a leader that the log does not name yet is dialled at the address it gives', () => {
  const { peers, dialled, follow } = createPeers();
  peers.introduce('d@1', 'd:7000');
  expect(dialled()).toEqual(['d:7000']);
  follow({ inForce: THREE, committed: THREE });
  expect(dialled()).toEqual(['b:7000', 'c:7000', 'd:7000']);
});

test('the address that a member gives does not replace the agreed one', () => {
  const { peers, changes, follow } = createPeers();
  follow({ inForce: THREE, committed: THREE });
  peers.introduce('b@1', 'elsewhere:1');
  peers.introduce('a@1', 'elsewhere:1');
  expect(changes).toHaveLength(1);
});

test('a bounded number of strangers is remembered, the latest ones', () => {
  const { peers, dialled } = createPeers();
  for (let number = 0; number < 20; number++) peers.introduce(`x${number}@1`, `x${number}:7000`);
  expect(dialled()).toHaveLength(16);
  expect(dialled()).not.toContain('x3:7000');
  expect(dialled()).toContain('x19:7000');
});

test('a node of another cluster is turned away, and so is one without a cluster', () => {
  const { peers, follow } = createPeers();
  follow({ inForce: THREE, committed: THREE });
  expect(peers.admit({ server: 'x@1', clusterId: 'two' })).toBe('foreign-cluster');
  expect(peers.admit({ server: 'x@1', clusterId: '' })).toBe('not-member-yet');
  expect(peers.admit({ server: 'x@1', clusterId: 'one' })).toBeUndefined();
});

test('a node that waits to be joined admits any peer', () => {
  const { peers, membership } = createPeers();
  membership.identity.clusterId = '';
  expect(peers.admit({ server: 'x@1', clusterId: 'two' })).toBeUndefined();
});

test('a server that the committed configuration removed is told so', () => {
  const { peers, follow } = createPeers();
  const without = withoutMember(THREE, 'c@1');
  follow({ inForce: without, committed: THREE });
  expect(peers.admit({ server: 'c@1', clusterId: 'one' })).toBeUndefined();
  follow({ inForce: without, committed: without });
  expect(peers.admit({ server: 'c@1', clusterId: 'one' })).toBe('removed');
});

test('a server that was heard lately is alive; one that was silent too long or never heard is not', () => {
  const { peers, clock, follow } = createPeers();
  follow({ inForce: THREE, committed: THREE });
  peers.onHeard('b@1');
  clock.advance(199);
  expect(['a@1', 'b@1', 'c@1'].map((server) => peers.isAlive(server))).toEqual([true, true, false]);
  expect([peers.silenceMs('b@1'), peers.silenceMs('c@1')]).toEqual([199, undefined]);
  clock.advance(1);
  expect(peers.isAlive('b@1')).toBe(false);
});

test('servers that are no longer peers are forgotten', () => {
  const { peers, dialled, follow } = createPeers();
  follow({ inForce: THREE, committed: THREE });
  peers.connected.add('b@1');
  peers.onHeard('b@1');
  peers.leaveAll();
  expect([dialled(), peers.connected.has('b@1'), peers.silenceMs('b@1')]).toEqual([[], false, undefined]);
});

test('a peer that says it is this server is turned away', () => {
  const { peers } = createPeers();
  expect(peers.admit({ server: 'a@1', clusterId: 'one' })).toBe('wrong-server');
  expect(peers.admit({ server: 'a@2', clusterId: 'one' })).toBeUndefined();
});
