/**
 * What the kubelet's configuration says of images, evictions and logs, with upstream's defaults and findings
 * (pkg/kubelet/apis/config/v1beta1/defaults.go, apis/config/validation).
 */
import { aggregateText } from '@keelson/api/aggregate';
import { Quantity } from '@keelson/api/quantity';
import { formatDuration, parseDuration } from '@keelson/component/go/duration';
import {
  DEFAULT_HARD,
  type EvictionPolicy,
  type ImageCollectionPolicy,
  type LogRotation,
  parseThresholds,
} from '@keelson/kubelet/policies';

/** Fields of a KubeletConfiguration. */
export interface HousekeepingFile {
  readonly imageMinimumGCAge?: string;
  readonly imageMaximumGCAge?: string;
  readonly imageGCHighThresholdPercent?: number;
  readonly imageGCLowThresholdPercent?: number;
  readonly nodeStatusMaxImages?: number;
  readonly evictionHard?: Readonly<Record<string, string>>;
  readonly evictionSoft?: Readonly<Record<string, string>>;
  readonly evictionSoftGracePeriod?: Readonly<Record<string, string>>;
  readonly evictionPressureTransitionPeriod?: string;
  readonly evictionMaxPodGracePeriod?: number;
  readonly evictionMinimumReclaim?: Readonly<Record<string, string>>;
  readonly mergeDefaultEvictionSettings?: boolean;
  readonly localStorageCapacityIsolation?: boolean;
  readonly containerLogMaxSize?: string;
  readonly containerLogMaxFiles?: number;
  readonly containerLogMaxWorkers?: number;
  readonly containerLogMonitorInterval?: string;
  readonly enableSystemLogHandler?: boolean;
  readonly enableSystemLogQuery?: boolean;
  readonly enforceNodeAllocatable?: readonly string[];
}

export interface Housekeeping {
  readonly imageCollection: ImageCollectionPolicy;
  readonly maxStatusImages: number;
  readonly eviction: EvictionPolicy;
  readonly logRotation: LogRotation;
  /** Whether `/logs/` is served. */
  readonly systemLogs: boolean;
  /** Whether it is served what services have said. */
  readonly systemLogQueries: boolean;
}

const MINUTE_MS = 60_000;

/** @throws Error with all findings, `[first, second]` where there are several */
export function housekeepingOf(file: HousekeepingFile): Housekeeping {
  const images = imageCollection(file);
  const rotation = logRotation(file);
  const problems = [...imageProblems(images, file), ...logProblems(rotation, file)].map(
    (problem) => `invalid configuration: ${problem}`,
  );
  if (problems.length > 0) throw new Error(aggregateText(problems));
  return {
    imageCollection: images,
    maxStatusImages: file.nodeStatusMaxImages ?? 50,
    eviction: eviction(file),
    logRotation: { ...rotation, maxSize: bytesOf(file.containerLogMaxSize || '10Mi') },
    systemLogs: file.enableSystemLogHandler ?? true,
    systemLogQueries: file.enableSystemLogQuery ?? false,
  };
}

/** Milliseconds; what is not said, or 0, is the default. */
function duration(text: string | undefined, ifNone: number): number {
  return (text ? parseDuration(text) : 0) || ifNone;
}

function imageCollection(file: HousekeepingFile): ImageCollectionPolicy {
  return {
    highThresholdPercent: file.imageGCHighThresholdPercent ?? 85,
    lowThresholdPercent: file.imageGCLowThresholdPercent ?? 80,
    minimumAgeMs: duration(file.imageMinimumGCAge, 2 * MINUTE_MS),
    maximumAgeMs: duration(file.imageMaximumGCAge, 0),
  };
}

const isPercent = (number: number) => number >= 0 && number <= 100;

function imageProblems(policy: ImageCollectionPolicy, { nodeStatusMaxImages = 50 }: HousekeepingFile): string[] {
  const { highThresholdPercent: high, lowThresholdPercent: low, minimumAgeMs: least, maximumAgeMs: most } = policy;
  const [highName, lowName] = [
    'imageGCHighThresholdPercent (--image-gc-high-threshold)',
    'imageGCLowThresholdPercent (--image-gc-low-threshold)',
  ];
  return [
    !isPercent(high) && `${highName} ${high} must be between 0 and 100, inclusive`,
    !isPercent(low) && `${lowName} ${low} must be between 0 and 100, inclusive`,
    low >= high && `${lowName} ${low} must be less than ${highName} ${high}`,
    least < 0 && `imageMinimumGCAge ${formatDuration(least)} must not be negative`,
    most < 0 && `imageMaximumGCAge ${formatDuration(most)} must not be negative`,
    most > 0 &&
      most <= least &&
      `imageMaximumGCAge ${formatDuration(most)} must be greater than imageMinimumGCAge ${formatDuration(least)}`,
    nodeStatusMaxImages < -1 &&
      `nodeStatusMaxImages (--node-status-max-images) ${nodeStatusMaxImages} must be -1 or greater`,
  ].filter((problem) => problem !== false);
}

function eviction(file: HousekeepingFile): EvictionPolicy {
  const { evictionHard: hard, mergeDefaultEvictionSettings: merge = false } = file;
  return {
    thresholds: parseThresholds({
      hard: hard ? { ...(merge ? DEFAULT_HARD : {}), ...hard } : DEFAULT_HARD,
      soft: file.evictionSoft,
      softGracePeriod: file.evictionSoftGracePeriod,
      minimumReclaim: file.evictionMinimumReclaim,
      ofPods: (file.enforceNodeAllocatable ?? ['pods']).includes('pods'),
    }),
    transitionMs: duration(file.evictionPressureTransitionPeriod, 5 * MINUTE_MS),
    maxGraceSeconds: file.evictionMaxPodGracePeriod ?? 0,
    limitStorage: file.localStorageCapacityIsolation ?? true,
  };
}

function logRotation(file: HousekeepingFile): Omit<LogRotation, 'maxSize'> {
  const { containerLogMonitorInterval: every } = file;
  return { maxFiles: file.containerLogMaxFiles ?? 5, everyMs: every === undefined ? 10_000 : parseDuration(every) };
}

function logProblems({ maxFiles, everyMs }: Omit<LogRotation, 'maxSize'>, file: HousekeepingFile): string[] {
  const { enableSystemLogHandler: serves = true, enableSystemLogQuery: queries = false } = file;
  return [
    queries && !serves && 'enableSystemLogHandler is required for enableSystemLogQuery',
    (file.containerLogMaxWorkers ?? 1) < 1 && 'containerLogMaxWorkers must be greater than or equal to 1',
    everyMs < 3_000 && 'containerLogMonitorInterval must be a positive time duration greater than or equal to 3s',
    maxFiles <= 1 && 'containerLogMaxFiles must be greater than 1',
  ].filter((problem) => problem !== false);
}

/** Bytes. Below 0: logs are never moved away. */
function bytesOf(text: string): number {
  const wrong = (why: string) => new Error(`failed to parse container log max size ${JSON.stringify(text)}: ${why}`);
  let size: bigint | undefined;
  try {
    size = Quantity.parse(text).asInt64();
  } catch (error) {
    throw wrong((error as Error).message);
  }
  if (size === undefined) throw wrong('invalid max log size');
  return size < 0n ? Number.POSITIVE_INFINITY : Number(size);
}
