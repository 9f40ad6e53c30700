/** How fast an autoscaler may follow its metrics: pure (pkg/controller/podautoscaler/horizontal.go). */
import type { HorizontalPodAutoscaler, HPAScalingRules } from '@keelson/api/generated/types/autoscaling/v2';

/** A number of replicas that was asked for, or by which was scaled. */
export interface Remembered {
  readonly replicas: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What is remembered of an autoscaler. Nothing of it survives a restart. */
export interface Memory {
  readonly recommendations: readonly Remembered[];
  readonly ups: readonly Remembered[];
  readonly downs: readonly Remembered[];
}

export interface Saying {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export interface Limited {
  readonly replicas: number;
  readonly ableToScale: Saying;
  readonly limited: Saying;
  /** With the new recommendation. */
  readonly recommendations: readonly Remembered[];
}

export interface Wanted {
  readonly current: number;
  readonly desired: number;
  readonly min: number;
  readonly max: number;
}

const READY: Saying = { status: 'True', reason: 'ReadyForNewScale', message: 'recommended size matches current size' };
const IN_RANGE = { reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' };
const TOO_MANY = {
  reason: 'TooManyReplicas',
  message: 'the desired replica count is more than the maximum replica count',
};
const TOO_FEW = {
  reason: 'TooFewReplicas',
  message: 'the desired replica count is less than the minimum replica count',
};
const TOO_FAST_UP = {
  reason: 'ScaleUpLimit',
  message: 'the desired replica count is increasing faster than the maximum scale rate',
};
const TOO_FAST_DOWN = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
};
const AFTER_HIGHER: Saying = {
  status: 'True',
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
};
const AFTER_LOWER: Saying = {
  status: 'True',
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
};

/** @param windowMs how long scaling down waits where the behavior does not say */
export function limit(
  { spec }: HorizontalPodAutoscaler,
  wanted: Wanted,
  memory: Memory,
  windowMs: number,
  now: number,
): Limited {
  const { behavior } = spec;
  const up = behavior?.scaleUp;
  const down = behavior?.scaleDown;
  const recommended = { replicas: wanted.desired, at: now };
  if (!up || !down) {
    const recent = memory.recommendations.filter(({ at }) => at >= now - windowMs);
    const stable = Math.max(wanted.desired, ...recent.map(({ replicas }) => replicas));
    return {
      ...ruled({ ...wanted, desired: stable }),
      ableToScale: stable === wanted.desired ? READY : AFTER_HIGHER,
      recommendations: [...recent, recommended],
    };
  }
  const upMs = (up.stabilizationWindowSeconds ?? 0) * 1000;
  const downMs = down.stabilizationWindowSeconds === undefined ? windowMs : down.stabilizationWindowSeconds * 1000;
  const recent = memory.recommendations.filter(({ at }) => at >= now - Math.max(upMs, downMs));
  const within = (ms: number) => recent.filter(({ at }) => at > now - ms).map(({ replicas }) => replicas);
  const low = Math.min(wanted.desired, ...within(upMs));
  const high = Math.max(wanted.desired, ...within(downMs));
  const stable = Math.min(Math.max(wanted.current, low), high);
  const why = wanted.desired >= wanted.current ? AFTER_LOWER : AFTER_HIGHER;
  return {
    ...paced({ ...wanted, desired: stable }, up, down, memory, now),
    ableToScale: stable === wanted.desired ? READY : why,
    recommendations: [...recent, recommended],
  };
}

type Outcome = Pick<Limited, 'replicas' | 'limited'>;

function outcome(wanted: number, allowed: number, why: Omit<Saying, 'status'>): Outcome {
  if (allowed === wanted) return { replicas: wanted, limited: { status: 'False', ...IN_RANGE } };
  return { replicas: allowed, limited: { status: 'True', ...why } };
}

/** Without a behavior: twice as many at once, or four. */
function ruled({ current, desired, min, max }: Wanted): Outcome {
  const fastest = Math.max(2 * current, 4);
  if (desired < min) return outcome(desired, min, TOO_FEW);
  return outcome(desired, Math.min(desired, max, fastest), max > fastest ? TOO_FAST_UP : TOO_MANY);
}

function paced(
  { current, desired, min, max }: Wanted,
  up: HPAScalingRules,
  down: HPAScalingRules,
  memory: Memory,
  now: number,
): Outcome {
  if (desired > current) {
    const fastest = Math.max(current, pace(current, up, memory, now, 1));
    return outcome(desired, Math.min(desired, max, fastest), max > fastest ? TOO_FAST_UP : TOO_MANY);
  }
  if (desired < current) {
    const fastest = Math.min(current, pace(current, down, memory, now, -1));
    return outcome(desired, Math.max(desired, min, fastest), min < fastest ? TOO_FAST_DOWN : TOO_FEW);
  }
  return outcome(desired, desired, IN_RANGE);
}

/** The number of replicas that policies let it come to, counted from what there were at the beginning of their periods. */
function pace(current: number, rules: HPAScalingRules, memory: Memory, now: number, direction: 1 | -1): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const sum = (changes: readonly Remembered[], seconds: number) =>
    changes.filter(({ at }) => at > now - seconds * 1000).reduce((total, { replicas }) => total + replicas, 0);
  const proposals = (rules.policies ?? []).map(({ type, value, periodSeconds }) => {
    const before = current - sum(memory.ups, periodSeconds) + sum(memory.downs, periodSeconds);
    if (type === 'Pods') return before + direction * value;
    const share = before * (1 + (direction * value) / 100);
    return direction > 0 ? Math.ceil(share) : Math.trunc(share);
  });
  // The largest change, unless the smallest is asked for.
  const largest = (rules.selectPolicy === 'Min') === direction < 0;
  return largest ? Math.max(...proposals) : Math.min(...proposals);
}

/** What is remembered after it was scaled. */
export function scaled(
  { spec }: HorizontalPodAutoscaler,
  memory: Memory,
  from: number,
  to: number,
  now: number,
): Memory {
  if (!spec.behavior) return memory;
  const change = { replicas: Math.abs(to - from), at: now };
  const longest = (rules: HPAScalingRules | undefined) =>
    1000 * Math.max(0, ...(rules?.policies ?? []).map(({ periodSeconds }) => periodSeconds));
  const recent = (changes: readonly Remembered[], ms: number) => changes.filter(({ at }) => at >= now - ms);
  const { scaleUp, scaleDown } = spec.behavior;
  const kept = Math.max(longest(scaleUp), longest(scaleDown));
  return to > from
    ? { ...memory, ups: [...recent(memory.ups, kept), change] }
    : { ...memory, downs: [...recent(memory.downs, kept), change] };
}
