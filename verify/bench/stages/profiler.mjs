// Loaded into a node by `--import`: SIGUSR2 starts the profiler of its main thread, and the next one ends it.
// The profile is written under the process id to the directory named in this file's URL.

import fs from 'node:fs';
import { Session } from 'node:inspector/promises';
import path from 'node:path';

const directory = new URL(import.meta.url).searchParams.get('directory');
const SAMPLING_MICROS = 500;

const session = new Session();
session.connect();
let isOn = false;

process.on('SIGUSR2', async () => {
  isOn = !isOn;
  if (isOn) {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_MICROS });
    await session.post('Profiler.start');
    put('started', '');
  } else {
    const { profile } = await session.post('Profiler.stop');
    put('cpuprofile', JSON.stringify(profile));
  }
});

/** Writes the file whole or not at all: the benchmark waits for its name. */
function put(ending, text) {
  const file = path.join(directory, `${process.pid}.${ending}`);
  fs.writeFileSync(`${file}.part`, text);
  fs.renameSync(`${file}.part`, file);
}
