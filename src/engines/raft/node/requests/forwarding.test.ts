import { expect, test } from 'vitest';
import type { PeerMessage } from '../../codec/peer-message.ts';
import { encodeProposal } from '../../codec/proposal-codec.ts';
import { configurationOf } from '../testing/core.ts';
import { Forwarding, type ForwardingParts } from './forwarding.ts';

function createForwarding() {
  const sent: [string, PeerMessage][] = [];
  const appended: unknown[] = [];
  const changes: unknown[] = [];
  const configuration = configurationOf({ a: 'voter', b: 'voter' });
  const parts = {
    replica: {
      isDiskFull: false,
      core: {
        role: 'leader',
        configuration,
        propose: (proposals: unknown) => {
          appended.push(proposals);
          return { kind: 'appended' };
        },
      },
    },
    store: { space: () => ({ freeBytes: 100, reserveBytes: 1 }) },
    transport: { send: (to: string, message: PeerMessage) => sent.push([to, message]) > 0 },
    memberChanges: { begin: (_: string, change: unknown) => changes.push(change) },
  } as unknown as ForwardingParts;
  const [, member] = configuration.members;
  return { forwarding: new Forwarding(parts), member: member?.server ?? '', sent, appended, changes };
}

const proposal = encodeProposal({
  origin: { server: 'x@1', boot: 1, sequence: 7, settledBelow: 1 },
  command: new Uint8Array([1]),
});

test('a leader accepts the proposals of a member, and refuses those of any other server', () => {
  const { forwarding, member, sent, appended } = createForwarding();
  forwarding.handleProposals(member, [proposal]);
  expect([appended, sent]).toEqual([[[proposal]], []]);
  forwarding.handleProposals('x@1', [proposal]);
  expect(appended).toHaveLength(1);
  expect(sent).toEqual([['x@1', { kind: 'proposals-refused', sequences: [7], reason: 'not-leader' }]]);
});

test('a leader ignores a change of members that a stranger forwards', () => {
  const { forwarding, member, changes } = createForwarding();
  const change = { kind: 'remove', node: 'b' } as const;
  forwarding.handleMemberChange('x@1', { kind: 'forwarded-member-change', requestId: 1, change });
  expect(changes).toEqual([]);
  forwarding.handleMemberChange(member, { kind: 'forwarded-member-change', requestId: 1, change });
  expect(changes).toEqual([change]);
});
