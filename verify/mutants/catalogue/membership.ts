// Traps 15 to 20: membership.

import type { Mutant } from '../mutant.ts';

export const MEMBERSHIP: readonly Mutant[] = [
  {
    id: 'change-by-a-leader-not-established',
    subject: 15,
    file: 'src/engines/raft/core/membership.ts',
    edits: [{ find: "if (!state.committedInOwnTerm) return 'leader-not-established';", replace: '' }],
    bug: 'A leader that has committed nothing in its own term changes the members.',
  },
  {
    id: 'second-change-while-one-is-uncommitted',
    subject: 16,
    file: 'src/engines/raft/core/membership.ts',
    edits: [
      {
        find: "if (state.latestConfiguration.index > state.commitIndex) return 'change-under-way';",
        replace: '',
      },
    ],
    bug: 'A second change is begun while the first is uncommitted.',
  },
  {
    id: 'truncated-configuration-stays',
    subject: 17,
    file: 'src/engines/raft/core/follower.ts',
    edits: [
      {
        find: 'while (state.latestConfiguration.index >= first.index) state.configurations.pop();',
        replace: '',
      },
    ],
    bug: 'A configuration whose entry is truncated stays in force.',
  },
  {
    id: 'configuration-of-the-snapshot-ignored',
    subject: 17,
    file: 'src/engines/raft/core/follower.ts',
    edits: [
      {
        find: 'state.configurations = [{ index: point.configurationIndex, configuration: point.configuration }];',
        replace: '',
      },
    ],
    bug: 'The configuration that a snapshot brings does not come into force.',
  },
  {
    id: 'later-configurations-lost-in-a-restart',
    subject: 18,
    file: 'src/engines/raft/node/replica.ts',
    edits: [
      {
        find: '...loaded.configurations.filter((later) => later.index > index),',
        replace: '',
      },
    ],
    bug: 'After a restart the members are those of the applied record, and the log is ignored.',
  },
  {
    id: 'wiped-node-keeps-its-id',
    subject: 19,
    file: 'src/engines/raft/node/membership/server-id.ts',
    edits: [
      {
        find: 'newServerId(node: string, random: Random): ServerId {',
        replace:
          "newServerId(node: string, random: Random): ServerId {\n  if (node !== '') return node.concat('@1');",
      },
    ],
    bug: 'A node whose disk was wiped comes back under its old id, and votes again.',
  },
  {
    id: 'removed-leader-goes-on',
    subject: 20,
    file: 'src/engines/raft/core/commit.ts',
    edits: [{ find: '  maybeLeaveAfterRemoval(state);\n}', replace: '}' }],
    bug: 'A leader that its cluster has removed goes on leading it.',
  },
  {
    id: 'removed-leader-leaves-too-early',
    subject: 20,
    file: 'src/engines/raft/core/commit.ts',
    edits: [
      {
        find: "if (state.role !== 'leader' || state.isVoter || state.latestConfiguration.index > state.commitIndex) return;",
        replace: "if (state.role !== 'leader' || state.isVoter) return;",
      },
    ],
    bug: 'A leader that is being removed leaves at the next commit, before its removal is committed.',
  },
  {
    id: 'removed-too-early-to-stand',
    subject: 20,
    file: 'src/engines/raft/core/election.ts',
    edits: [
      {
        find: 'state.configurations.some(({ configuration }) => isVoter(configuration, state.server)) &&',
        replace: 'isVoter(state.configuration, state.server) &&',
      },
    ],
    bug: 'A server whose removal is uncommitted does not stand, though only its log could win.',
  },
  {
    id: 'learner-promoted-before-it-caught-up',
    subject: 'membership',
    file: 'src/engines/raft/node/membership/promotion.ts',
    edits: [
      {
        find: 'lag > lagEntries || progress.ticksSinceContact >= silentTicks',
        replace: 'progress.ticksSinceContact >= silentTicks && lag <= lagEntries',
      },
    ],
    bug: 'A learner becomes a voter however much of the log it lacks.',
  },
  {
    id: 'removal-that-the-rest-cannot-bear',
    subject: 'membership',
    file: 'src/engines/raft/node/membership/member-removal.ts',
    edits: [
      {
        find: 'if (rest.canCommit) return undefined;',
        replace: 'if (rest.alive >= 0) return undefined;',
      },
    ],
    bug: 'A member is removed though too few of the others answer to agree on anything.',
  },
  {
    id: 'foreign-cluster-is-let-in',
    subject: 'membership',
    file: 'src/engines/raft/node/membership/peers.ts',
    edits: [
      {
        find: "if (clusterId !== '' && peer.clusterId !== clusterId) {",
        replace: "if (clusterId !== '' && peer.clusterId === '') {",
      },
    ],
    bug: 'A node of another cluster may talk to this one.',
  },
];
