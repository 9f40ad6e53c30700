/** Loaded into a server under test: at SIGUSR2 it writes how long the event loop stood still at most since the last time, in ms. */
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const file = process.env.KEELSON_BENCH_PAUSES!;
const RESOLUTION_MS = 10;
const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delays.enable();
process.on('SIGUSR2', () => {
  writeFileSync(`${file}.new`, String(Math.max(0, delays.max / 1e6 - RESOLUTION_MS)));
  renameSync(`${file}.new`, file);
  delays.reset();
});
