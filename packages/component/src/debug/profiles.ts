/** Profiles of the running process, as V8 takes them: what Chrome, VS Code and speedscope open. */
import type { Session } from 'node:inspector/promises';

/** What is sampled: where the CPU's time goes, or who allocated what is still there. */
export type ProfileKind = 'cpu' | 'heap';

/** As Go's profiler: a hundred times a second. A denser one costs more than it tells. */
const CPU_INTERVAL_US = 10_000;
/** Of allocated bytes between two samples, as Go's. */
const HEAP_INTERVAL_BYTES = 512 * 1024;

/** Somebody else is taking one. */
export class ProfilingInUse extends Error {
  override readonly name = 'ProfilingInUse';
}

/** Calls back when nobody waits for the profile any more. */
export type OnGone = (end: () => void) => void;

const running = new Set<ProfileKind>();

/**
 * Samples for a while. One of a kind is taken at a time.
 * @param onGone is given what ends it early
 * @returns the JSON of a `.cpuprofile` or `.heapprofile`. @throws ProfilingInUse
 */
export async function takeProfile(kind: ProfileKind, milliseconds: number, onGone: OnGone): Promise<string> {
  if (running.has(kind)) throw new ProfilingInUse(`${kind} profiling already in use`);
  running.add(kind);
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  try {
    session.connect();
    await START[kind](session);
    await elapsed(milliseconds, onGone);
    return JSON.stringify(await STOP[kind](session));
  } finally {
    session.disconnect();
    running.delete(kind);
  }
}

const START: Readonly<Record<ProfileKind, (session: Session) => Promise<void>>> = {
  async cpu(session) {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: CPU_INTERVAL_US });
    await session.post('Profiler.start');
  },
  heap: (session) => session.post('HeapProfiler.startSampling', { samplingInterval: HEAP_INTERVAL_BYTES }),
};

const STOP: Readonly<Record<ProfileKind, (session: Session) => Promise<object>>> = {
  cpu: async (session) => (await session.post('Profiler.stop')).profile,
  heap: async (session) => (await session.post('HeapProfiler.stopSampling')).profile,
};

function elapsed(milliseconds: number, onGone: OnGone): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    onGone(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
