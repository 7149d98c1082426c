import { once } from 'node:events';
import net from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { TurnEnds } from './turn-ends.ts';

const CALLERS = 64;
const TURN_OF_WORK_MS = 2;

describe('the end of a turn', () => {
  test('runs the actions of the turn once, in order', async () => {
    const turnEnds = new TurnEnds();
    const done: string[] = [];
    turnEnds.run(() => done.push('a'));
    turnEnds.run(() => {
      done.push('b');
      turnEnds.run(() => done.push('in the next turn'));
    });
    expect(done).toEqual([]);
    await nextTurn();
    expect(done).toEqual(['a', 'b']);
    await nextTurn();
    expect(done).toEqual(['a', 'b', 'in the next turn']);
  });

  test('runs the actions behind one that throws', async () => {
    const turnEnds = new TurnEnds();
    const done: string[] = [];
    const thrown = new Promise((resolve) => {
      const others = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const listener of others) process.on('uncaughtException', listener);
        resolve(error);
      });
    });
    turnEnds.run(() => {
      throw new Error('a bug');
    });
    turnEnds.run(() => done.push('behind it'));
    expect(await thrown).toMatchObject({ message: 'a bug' });
    await nextTurn();
    await nextTurn();
    expect(done).toEqual(['behind it']);
  });

  test('waits while connections keep coming, for a bounded time', async () => {
    const turnEnds = new TurnEnds();
    let isDone = false;
    turnEnds.connected();
    turnEnds.run(() => {
      isDone = true;
    });
    await nextTurn();
    expect(isDone).toBe(false);
    await nextTurn();
    expect(isDone).toBe(true);

    let turns = 0;
    turnEnds.run(() => {
      isDone = false;
    });
    for (; isDone; turns++) {
      turnEnds.connected();
      await nextTurn();
    }
    expect(turns).toBeGreaterThan(2);
    // After that wait earlier connections count no more.
    turnEnds.run(() => {
      isDone = true;
    });
    await nextTurn();
    expect(isDone).toBe(true);
  });

  test('answers callers who connect at once in a few batches, not one a turn', async () => {
    const turnEnds = new TurnEnds();
    let batches = 0;
    const waiting: net.Socket[] = [];
    const answer = (): void => {
      batches += 1;
      for (const socket of waiting.splice(0)) socket.end('answer');
      const until = performance.now() + TURN_OF_WORK_MS;
      while (performance.now() < until);
    };
    const server = net.createServer((socket) => {
      turnEnds.connected();
      socket.once('data', () => {
        if (waiting.push(socket) === 1) turnEnds.run(answer);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const answers = Array.from({ length: CALLERS }, async () => {
      const socket = net.connect(port, '127.0.0.1');
      socket.write('request');
      const [bytes] = await once(socket, 'data');
      return String(bytes);
    });
    expect(await Promise.all(answers)).toEqual(Array.from({ length: CALLERS }, () => 'answer'));
    expect(batches).toBeLessThan(CALLERS / 4);
    server.close();
    await once(server, 'close');
  });
});
