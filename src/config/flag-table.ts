// The flags of a node: the one source of their names, defaults and help texts.

import type { FlagDefinition } from './go-flags.ts';

export const FLAGS = [
  ['id', 'name', '', 'Node id: letters, digits, ".", "_", "-", at most 64 (required)'],
  ['http', 'address', ':8080', 'Where the API listens: :port, host:port or [v6]:port'],
  ['raft', 'address', '127.0.0.1:7000', 'Where the Raft transport listens, and what other nodes dial'],
  ['advertise', 'address', '', 'What other nodes dial instead of the -raft address'],
  ['advertise-http', 'address', '', 'What others are told of the API instead of the -http address'],
  ['data', 'directory', 'data', "The node's files live under <directory>/<id>/"],
  ['logs', 'directory', 'logs', 'The log file is <directory>/<id>.log'],
  ['join', 'addresses', '', 'HTTP addresses of members, comma-separated; any member will do'],
  ['bootstrap', '', '', 'Start a new cluster of one; ignored by a node that already has state'],
  ['clean', '', '', 'Wipe <data>/<id>/ before starting'],
  ['console-level', 'level', 'info', 'Console log level: debug, info, warn, error'],
  ['file-level', 'level', 'debug', 'File log level: debug, info, warn, error'],
  ['remove-dead-after', 'duration', '4m', 'Silence after which the leader removes a voter; 0 is never'],
  ['new-member-grace', 'duration', '2m', 'Age below which a member is not removed automatically'],
  ['min-voters', 'count', '2', 'Automatic removal never leaves fewer voters than this'],
  ['election-timeout', 'duration', '500ms', 'Silence of the leader after which a new one is elected'],
  ['heartbeat', 'duration', '50ms', "Time between the leader's heartbeats"],
  ['compact-after', 'entries', '50000', 'Log entries after which the older ones are compacted away'],
  ['tls-cert', 'file', '', "PEM certificate of this node, for the nodes' own connections"],
  ['tls-key', 'file', '', 'PEM private key that belongs to -tls-cert'],
  ['tls-ca', 'file', '', 'PEM certificate of the authority that signed every node'],
] as const satisfies readonly FlagDefinition[];

export type FlagName = (typeof FLAGS)[number][0];
