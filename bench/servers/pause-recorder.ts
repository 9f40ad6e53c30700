/**
 * Loaded into a server under test. At SIGUSR2 it writes how long the event loop stood still at most since the last time,
 * in ms; and, where it was asked for, the CPU profile of that time, beside it.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const file = process.env.KEELSON_BENCH_PAUSES!;
const RESOLUTION_MS = 10;
const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delays.enable();

const profiler = process.env.KEELSON_BENCH_PROFILE
  ? new (await import('node:inspector/promises')).Session()
  : undefined;
if (profiler) {
  profiler.connect();
  await profiler.post('Profiler.enable');
  await profiler.post('Profiler.setSamplingInterval', { interval: 200 });
  await profiler.post('Profiler.start');
}

process.on('SIGUSR2', async () => {
  const pause = Math.max(0, delays.max / 1e6 - RESOLUTION_MS);
  if (profiler) {
    const { profile } = await profiler.post('Profiler.stop');
    writeFileSync(`${file}.cpuprofile`, JSON.stringify(profile));
    await profiler.post('Profiler.start');
  }
  writeFileSync(`${file}.new`, String(pause));
  renameSync(`${file}.new`, file);
  delays.reset();
});
