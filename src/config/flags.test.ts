import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { CodedError } from '../shared/coded-error.ts';
import { FLAGS } from './flag-table.ts';
import { parseCommandLine, type StartOptions } from './flags.ts';

function options(...args: string[]): StartOptions {
  const commandLine = parseCommandLine(['-id', 'node1', ...args]);
  if (commandLine.kind !== 'run') throw new Error('parsed as a request for help');
  return commandLine.options;
}

function mistake(...args: string[]): { flag: unknown; message: string } {
  try {
    parseCommandLine(args);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'usage') {
      return { flag: error.fields.flag, message: error.message };
    }
    throw error;
  }
  throw new Error(`${args.join(' ')} was accepted`);
}

describe('the command line of a node', () => {
  test('an id alone gives the defaults', () => {
    expect(options()).toEqual({
      id: 'node1',
      httpListen: { host: '', port: 8080 },
      raftListen: { host: '127.0.0.1', port: 7000 },
      advertiseRaft: '127.0.0.1:7000',
      advertiseHttp: '127.0.0.1:8080',
      dataDirectory: 'data/node1',
      logFile: 'logs/node1.log',
      join: [],
      bootstrap: false,
      clean: false,
      consoleLevel: 'info',
      fileLevel: 'debug',
      removeDeadAfterMs: 240_000,
      newMemberGraceMs: 120_000,
      minVoters: 2,
      electionTimeoutMs: 500,
      heartbeatMs: 50,
      compactAfterEntries: 50_000,
      tls: undefined,
    });
  });

  test("the README's bootstrap line is valid", () => {
    const line =
      '-http :8080 -raft 127.0.0.1:7000 -data ./data -bootstrap -console-level info -file-level debug -logs ./logs';
    expect(options(...line.split(' '))).toEqual({ ...options(), bootstrap: true });
  });

  test("the README's join line is valid", () => {
    const line = '-id node2 -http :8081 -raft 127.0.0.1:7001 -data ./data -join 127.0.0.1:8080 -logs ./logs';
    expect(options(...line.split(' '))).toMatchObject({
      id: 'node2',
      join: ['127.0.0.1:8080'],
      advertiseHttp: '127.0.0.1:8081',
      dataDirectory: 'data/node2',
    });
  });

  test('-h gives the usage text, with every flag', () => {
    const commandLine = parseCommandLine(['-h']);
    if (commandLine.kind !== 'help') throw new Error('no help');
    const named = [...commandLine.usage.matchAll(/^ {2}-(\S+)/gm)].map((match) => match[1]);
    expect(named).toEqual(
      [
        'id http raft advertise advertise-http data logs join bootstrap clean console-level file-level',
        'remove-dead-after new-member-grace min-voters election-timeout heartbeat compact-after',
        'tls-cert tls-key tls-ca',
      ]
        .join(' ')
        .split(' '),
    );
    for (const line of commandLine.usage.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });
});

test('the README has every flag in the order of the usage text, with its default', () => {
  const readme = fs.readFileSync(path.join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| (`-[^|]*)\|([^|]*)\|/gm)];
  const named = rows.flatMap(([, names = '', defaults = '']) =>
    [...names.matchAll(/`-([a-z-]+)`/g)].map(([, name]) => ({ name, defaults })),
  );
  expect(named.map(({ name }) => name)).toEqual(FLAGS.map(([name]) => name));
  for (const [at, [, , defaultValue]] of FLAGS.entries()) {
    if (defaultValue !== '')
      expect(named[at]).toHaveProperty('defaults', expect.stringContaining(`\`${defaultValue}\``));
  }
});

describe('-id', () => {
  test.each(['a', 'Node-1', 'printer_room.2', '-1', '...', 'x'.repeat(64)])('%s is a valid id', (id) => {
    expect(options('-id', id).id).toBe(id);
  });

  test.each(['', ' ', 'a b', 'a/b', '../x', '.', '..', 'ä', 'a@1', 'x'.repeat(65), 'a\n'])(
    '"%s" is not a valid id',
    (id) => {
      expect(mistake('-id', id).flag).toBe('id');
    },
  );

  test('an id is required', () => {
    expect(mistake()).toEqual({
      flag: 'id',
      message: '-id is required: give this node a name, such as -id node1',
    });
  });
});

describe('addresses', () => {
  test('the message about an invalid address names its flag', () => {
    for (const flag of ['http', 'raft', 'advertise', 'advertise-http', 'join']) {
      const { flag: at, message } = mistake('-id', 'a', `-${flag}`, 'localhost');
      expect(at).toBe(flag);
      expect(message).toContain(`-${flag}`);
    }
  });

  test('port 0 is refused, since other nodes must know the port', () => {
    expect(mistake('-id', 'a', '-http', ':0').flag).toBe('http');
    expect(mistake('-id', 'a', '-raft', '127.0.0.1:0').flag).toBe('raft');
  });

  test('the advertised addresses default to those the node listens on', () => {
    expect(options('-raft', '10.0.0.1:7000')).toMatchObject({
      advertiseRaft: '10.0.0.1:7000',
      advertiseHttp: '10.0.0.1:8080',
    });
    expect(options('-raft', '10.0.0.1:7000', '-http', '10.9.9.9:80').advertiseHttp).toBe('10.9.9.9:80');
    expect(options('-raft', '[fe80::1]:7000', '-http', '[::]:80').advertiseHttp).toBe('[fe80::1]:80');
    expect(options('-raft', ':7000', '-advertise', 'farm.example:7100', '-http', '0.0.0.0:80')).toMatchObject(
      {
        raftListen: { host: '', port: 7000 },
        advertiseRaft: 'farm.example:7100',
        advertiseHttp: 'farm.example:80',
      },
    );
    expect(options('-advertise-http', 'api.example:443').advertiseHttp).toBe('api.example:443');
  });

  test.each([':7000', '0.0.0.0:7000', '[::]:7000', '[0:0::0]:7000'])(
    '-raft %s needs -advertise, and the message says so',
    (address) => {
      const { flag, message } = mistake('-id', 'a', '-raft', address);
      expect(flag).toBe('advertise');
      expect(message).toContain('pass -advertise');
    },
  );

  test('an address that no other machine can dial cannot be advertised', () => {
    expect(mistake('-id', 'a', '-advertise', ':7000').flag).toBe('advertise');
    expect(mistake('-id', 'a', '-advertise-http', '0.0.0.0:80').flag).toBe('advertise-http');
  });
});

describe('-join and -bootstrap', () => {
  test('-join takes several addresses, and allows spaces and a trailing comma', () => {
    expect(options('-join', 'a:1, [::1]:2 ,:3,').join).toEqual(['a:1', '[::1]:2', '127.0.0.1:3']);
  });

  test('an empty -join and one of more than 64 addresses are refused', () => {
    expect(mistake('-id', 'a', '-join', ',').flag).toBe('join');
    expect(mistake('-id', 'a', '-join=').flag).toBe('join');
    expect(mistake('-id', 'a', '-join', Array(65).fill('a:1').join(',')).flag).toBe('join');
  });

  test('-bootstrap and -join exclude each other', () => {
    expect(mistake('-id', 'a', '-bootstrap', '-join', 'a:1').message).toContain('only one of them');
    expect(options('-bootstrap=false', '-join', 'a:1').bootstrap).toBe(false);
  });
});

describe('files and levels', () => {
  test('data directory and log file are named after the id', () => {
    expect(options('-data', '/srv/farm/', '-logs', '/var/log')).toMatchObject({
      dataDirectory: '/srv/farm/node1',
      logFile: '/var/log/node1.log',
    });
  });

  test('an empty directory name is refused', () => {
    expect(mistake('-id', 'a', '-data=').flag).toBe('data');
    expect(mistake('-id', 'a', '-logs', '').flag).toBe('logs');
  });

  test('a log level is debug, info, warn or error', () => {
    expect(options('-console-level', 'error', '-file-level', 'warn')).toMatchObject({
      consoleLevel: 'error',
      fileLevel: 'warn',
    });
    expect(mistake('-id', 'a', '-console-level', 'loud').message).toBe(
      '-console-level is one of debug, info, warn, error, not "loud"',
    );
    expect(mistake('-id', 'a', '-file-level', 'INFO').flag).toBe('file-level');
  });
});

describe('times and counts', () => {
  test('the election timeout is at least four heartbeats', () => {
    expect(options('-election-timeout', '200ms', '-heartbeat', '50ms')).toMatchObject({
      electionTimeoutMs: 200,
      heartbeatMs: 50,
    });
    expect(mistake('-id', 'a', '-election-timeout', '199ms').flag).toBe('election-timeout');
    expect(mistake('-id', 'a', '-heartbeat', '126ms').flag).toBe('election-timeout');
    expect(mistake('-id', 'a', '-heartbeat', '9ms').flag).toBe('heartbeat');
    expect(mistake('-id', 'a', '-election-timeout', '61s').flag).toBe('election-timeout');
    expect(mistake('-id', 'a', '-election-timeout', '1').message).toContain('is a duration such as 500ms');
  });

  test('-remove-dead-after is 0 or at least two election timeouts', () => {
    expect(options('-remove-dead-after', '0').removeDeadAfterMs).toBe(0);
    expect(options('-remove-dead-after', '1s').removeDeadAfterMs).toBe(1_000);
    expect(mistake('-id', 'a', '-remove-dead-after', '999ms').flag).toBe('remove-dead-after');
  });

  test('-new-member-grace is a duration, and -compact-after a number of entries', () => {
    expect(options('-new-member-grace', '0', '-compact-after', '1000')).toMatchObject({
      newMemberGraceMs: 0,
      compactAfterEntries: 1_000,
    });
    expect(mistake('-id', 'a', '-new-member-grace', 'soon').flag).toBe('new-member-grace');
    expect(mistake('-id', 'a', '-compact-after', '99').flag).toBe('compact-after');
  });

  test('-min-voters is a whole number from 1 to 99', () => {
    expect(options('-min-voters=3').minVoters).toBe(3);
    for (const count of ['0', '-1', '1.5', 'two', '', '1000', '0x2']) {
      expect(mistake('-id', 'a', '-min-voters', count).flag).toBe('min-voters');
    }
  });
});

describe('TLS between nodes', () => {
  test('the three files are accepted together', () => {
    expect(options('-tls-cert', 'c', '-tls-key', 'k', '-tls-ca', 'a').tls).toEqual({
      certFile: 'c',
      keyFile: 'k',
      caFile: 'a',
    });
  });

  test('one or two of the files are refused', () => {
    expect(mistake('-id', 'a', '-tls-cert', 'c', '-tls-ca', 'a').message).toContain('together or not at all');
  });
});
