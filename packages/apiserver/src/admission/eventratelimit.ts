/** EventRateLimit: so many events a second, for each of what the limit's type says (plugin/pkg/admission/eventratelimit). */
import { StatusError } from '@keelson/api/errors';
import { type ErrorList, invalid, notSupported, Path } from '@keelson/api/field';
import type { Event } from '@keelson/api/generated/types/core/v1';
import { ConfigObject } from '@keelson/component/configfile';
import { LRUCache } from 'lru-cache';
import { aggregate } from '../aggregate.ts';
import { type AdmissionAttributes, type AdmissionPlugin, type AdmissionWorld, objectOf, on } from './plugin.ts';

const BUCKETS = 4096;

/** What has a bucket of its own. */
const KEYS = {
  Namespace: (a: AdmissionAttributes) => a.namespace,
  Server: () => '',
  SourceAndObject(a: AdmissionAttributes) {
    const { source, involvedObject: object } = objectOf<Event>(a);
    const parts = [source?.component, source?.host, object.kind, object.namespace, object.name, object.uid];
    return [...parts, object.apiVersion].join('');
  },
  User: (a: AdmissionAttributes) => a.user.name,
} as const;

type LimitType = keyof typeof KEYS;

export interface EventLimit {
  readonly type: LimitType;
  readonly qps: number;
  readonly burst: number;
  /** How many buckets are remembered. */
  readonly cacheSize: number;
}

/** @throws ConfigFileError or AggregateFailure; there are no limits without a configuration; fields that it does not know are no fault, as upstream */
export function eventLimits(given: unknown): EventLimit[] {
  const config = new ConfigObject(given ?? {});
  if (given !== undefined) config.expectKind('eventratelimit.admission.k8s.io', ['v1alpha1'], 'Configuration');
  const errors: ErrorList = [];
  const path = Path.of('limits');
  const limits = config.objects('limits').map((item, i) => {
    const type = item.string('type');
    const [qps, burst, cacheSize] = [item.integer('qps'), item.integer('burst'), item.integer('cacheSize')];
    const at = path.index(i);
    if (!Object.hasOwn(KEYS, type)) errors.push(notSupported(at.child('type'), type, Object.keys(KEYS)));
    if (burst <= 0) errors.push(invalid(at.child('burst'), burst, 'must be positive'));
    if (qps <= 0) errors.push(invalid(at.child('qps'), qps, 'must be positive'));
    if (cacheSize < 0 && type !== 'Server')
      errors.push(invalid(at.child('cacheSize'), cacheSize, 'must not be negative'));
    return { type: type as LimitType, qps, burst, cacheSize: cacheSize || BUCKETS };
  });
  if (limits.length === 0) errors.push(invalid(path, null, 'must not be empty'));
  const failure = aggregate(errors.map((e) => new Error(e.toString())));
  if (failure) throw failure;
  return limits;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

export function eventRateLimit({ now }: Pick<AdmissionWorld, 'now'>, limits: readonly EventLimit[]): AdmissionPlugin {
  const buckets = limits.map(({ cacheSize }) => new LRUCache<string, Bucket>({ max: cacheSize }));

  /** @returns the problem */
  function take(limit: EventLimit, known: LRUCache<string, Bucket>, a: AdmissionAttributes): string | undefined {
    const key = KEYS[limit.type](a);
    const time = now().getTime();
    const bucket = known.get(key) ?? { tokens: limit.burst, filledAt: time };
    known.set(key, bucket);
    bucket.tokens = Math.min(limit.burst, bucket.tokens + ((time - bucket.filledAt) / 1000) * limit.qps);
    bucket.filledAt = time;
    if (bucket.tokens < 1) return `limit reached on type ${limit.type} for key ${key}`;
    bucket.tokens--;
    return undefined;
  }

  return {
    name: 'EventRateLimit',
    handles: on('events', ['CREATE', 'UPDATE']),
    validate(a) {
      if (a.dryRun) return;
      const problems = limits.flatMap((limit, i) => take(limit, buckets[i]!, a) ?? []);
      const failure = aggregate(problems.map((p) => new Error(p)));
      if (failure) throw new StatusError(429, 'TooManyRequests', `Too many requests: ${failure.message}`);
    },
  };
}
