/**
 * What a container without a process does: by annotations of its pod, `keelson.dev/simulated-…`, each also for one container
 * alone with `.NAME` behind it. docs/kubelet.md lists them.
 */

import { Quantity } from '@keelson/api/quantity';
import { parseDuration } from '@keelson/component/go/duration';
import type { ContainerRole } from '../../pods/spec.ts';

const PREFIX = 'keelson.dev/simulated-';

export interface Behaviour {
  /** Until it ends by itself; undefined: never. */
  readonly runMs: number | undefined;
  readonly exitCode: number;
  readonly oom: boolean;
  /** Until it runs, and from then until it is ready. */
  readonly startMs: number;
  readonly readyMs: number;
  /** From the stop signal to its end. */
  readonly stopMs: number;
  /** Why its image cannot be pulled. */
  readonly pullError: string | undefined;
  readonly cpuNanoCores: number;
  readonly memoryBytes: number;
}

/** Without annotations: init containers and those of pods that are not to run forever end well, the latter after a second. */
const FINISH_MS = 1000;
const MEMORY_BYTES = 16 * 1024 * 1024;

/** What annotations say that cannot be read is not said. */
export function behaviourOf(
  annotations: Readonly<Record<string, string>>,
  name: string,
  role: ContainerRole,
  restartPolicy: string,
): Behaviour {
  const text = (what: string) =>
    annotations[`${PREFIX}${what}.${name}`] ?? (role === 'init' ? undefined : annotations[`${PREFIX}${what}`]);
  const duration = (what: string) => read(text(what), parseDuration);
  const quantity = (what: string) => read(text(what), (each) => Quantity.parse(each).toNumber());
  const oom = text('outcome') === 'oom';
  const crash = text('outcome') === 'crash';
  const finishes = role === 'init' ? 0 : role === 'regular' && restartPolicy !== 'Always' ? FINISH_MS : undefined;
  return {
    runMs: duration('run-time') ?? (oom || crash ? FINISH_MS : finishes),
    exitCode: read(text('exit-code'), Number) ?? (oom ? 137 : crash ? 1 : 0),
    oom,
    startMs: duration('start-delay') ?? 0,
    readyMs: duration('ready-delay') ?? 0,
    stopMs: duration('stop-time') ?? 0,
    pullError: text('pull-error'),
    cpuNanoCores: Math.round((quantity('cpu') ?? 0) * 1e9),
    memoryBytes: quantity('memory') ?? MEMORY_BYTES,
  };
}

function read(text: string | undefined, parse: (text: string) => number): number | undefined {
  if (text === undefined) return undefined;
  try {
    const value = parse(text);
    return Number.isFinite(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
