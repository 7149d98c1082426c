import { expect, test } from 'vitest';
import { SeededGenerator } from '../../../../shared/seeded-generator.ts';
import { EMPTY_CONFIGURATION, withoutMember } from '../../core/configuration.ts';
import { boot } from '../boot.ts';
import { type LoadedState, loadDurableState } from '../log/durable-records.ts';
import { TestClock, TestLogger } from '../testing/clock.ts';
import { testOptions } from '../testing/cluster.ts';
import { configurationOf } from '../testing/core.ts';
import { TestStore } from '../testing/store.ts';
import { OwnMembership } from './own-membership.ts';

function createMembership(options: { bootstrap: boolean } = { bootstrap: false }) {
  const clock = new TestClock();
  const store = new TestStore(clock);
  const loaded: LoadedState[] = [];
  const ports = { store, logger: new TestLogger(), random: new SeededGenerator(1) };
  boot(ports, testOptions('a', options), (_, state) => {
    if (state !== undefined) loaded.push(state);
  });
  clock.advance(5);
  const [state] = loaded;
  if (state === undefined) throw new Error('it did not start');
  let removals = 0;
  const membership = new OwnMembership(state, {
    replica: { write: (operations) => store.write(operations, () => undefined) },
    logger: new TestLogger(),
    onRemoved: () => {
      removals += 1;
    },
  });
  const onDisk = (): LoadedState | undefined => {
    clock.advance(5);
    return loadDurableState(store);
  };
  return { membership, onDisk, removals: () => removals };
}

test('a server without a cluster adopts the cluster of the first peer that addresses it, and writes it to disk', () => {
  const { membership, onDisk } = createMembership();
  expect(membership.takesPart).toBe(false);
  membership.onGreeting({ server: 'l@1', clusterId: 'ours' });
  membership.onAddressed('l@1');
  expect([membership.takesPart, membership.identity.clusterId]).toEqual([true, 'ours']);
  expect(onDisk()?.identity).toMatchObject({ clusterId: 'ours', boots: 1 });
});

test('a hello alone means nothing: the peer may have dialled somebody else', () => {
  const { membership, onDisk } = createMembership();
  membership.onGreeting({ server: 'x@1', clusterId: 'theirs' });
  membership.onAddressed('l@1');
  expect(membership.identity.clusterId).toBe('');
  expect(onDisk()?.identity.clusterId).toBe('');
});

test('a member stays in its cluster', () => {
  const { membership } = createMembership({ bootstrap: true });
  const { clusterId } = membership.identity;
  membership.onGreeting({ server: 'x@1', clusterId: 'theirs' });
  membership.onAddressed('x@1');
  expect(membership.identity.clusterId).toBe(clusterId);
});

test('the last peer that said hello is remembered among many strangers', () => {
  const { membership } = createMembership();
  for (let number = 0; number < 40; number++) {
    membership.onGreeting({ server: `x${number}@1`, clusterId: 'theirs' });
  }
  membership.onGreeting({ server: 'l@1', clusterId: 'ours' });
  membership.onAddressed('x0@1');
  expect(membership.identity.clusterId).toBe('');
  membership.onAddressed('l@1');
  expect(membership.identity.clusterId).toBe('ours');
});

test('a committed configuration that removed the server ends its part, once, and for the next start too', () => {
  const { membership, onDisk, removals } = createMembership({ bootstrap: true });
  const { server } = membership.identity;
  const entry = {
    kind: 'configuration',
    index: 2,
    term: 1,
    configuration: withoutMember(configurationOf({ b: 'voter' }), server),
  } as const;
  membership.onConfiguration(entry, EMPTY_CONFIGURATION);
  membership.becomeRemoved();
  expect([membership.isRemoved, membership.takesPart, removals()]).toEqual([true, false, 1]);
  expect(onDisk()?.removed).toBe(true);
});

test('a configuration that does not contain the server yet does not end its part', () => {
  const { membership, removals } = createMembership();
  const configuration = configurationOf({ b: 'voter' });
  membership.onConfiguration(
    { kind: 'configuration', index: 1, term: 1, configuration },
    EMPTY_CONFIGURATION,
  );
  expect([membership.isRemoved, removals()]).toEqual([false, 0]);
});
