// Loaded into a node by `--import`: SIGUSR2 starts the profiler of its main thread, another one ends it. What it found
// is written to the directory that the address of this file names, under the number of the process.

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

/** Whole or not at all: somebody waits for the name. */
function put(ending, text) {
  const file = path.join(directory, `${process.pid}.${ending}`);
  fs.writeFileSync(`${file}.part`, text);
  fs.renameSync(`${file}.part`, file);
}
