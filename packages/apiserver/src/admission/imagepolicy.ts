/** ImagePolicyWebhook: somebody else is asked whether the images of pods may run (plugin/pkg/admission/imagepolicy). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { ConfigObject } from '@keelson/component/configfile';
import { formatDuration } from '@keelson/component/go/duration';
import { LRUCache } from 'lru-cache';
import { asError } from '../aggregate.ts';
import { KubeconfigWebhook, type WebhookWorld, withRetries } from '../webhook/kubeconfig.ts';
import { reviewOf } from '../webhook/review.ts';
import { type AdmissionAttributes, type AdmissionPlugin, objectOf, refuse } from './plugin.ts';

export interface ImagePolicyConfig {
  readonly kubeConfigFile: string;
  /** How long an answer holds; 0: for the one request. */
  readonly allowTtlMs: number;
  readonly denyTtlMs: number;
  readonly firstPauseMs: number;
  /** What a webhook that cannot be asked means. */
  readonly defaultAllow: boolean;
}

const KIND = { group: 'imagepolicy.k8s.io', version: 'v1alpha1', kind: 'ImageReview' };
const SHOWN_ANNOTATIONS = '.image-policy.k8s.io/';
const AUDIT_PREFIX = 'imagepolicywebhook.image-policy.k8s.io/';
const FAILED_OPEN = 'alpha.image-policy.k8s.io/failed-open';
const MAX_REMEMBERED = 1024;
/** A pod that says more is not remembered: its author decides how much. */
const MAX_REMEMBERED_CHARACTERS = 10_000;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** @param given undefined where nothing is configured. @throws ConfigFileError; Error for a time that is out of range */
export function imagePolicyConfig(given: unknown): ImagePolicyConfig {
  if (given === undefined) throw new Error('no config specified');
  const config = new ConfigObject(given).object('imagePolicy');
  const ttl = (name: string, absentMs: number): number =>
    durationOf(config.number(name), SECOND_MS, { least: '1s', leastMs: SECOND_MS, mostMs: 30 * MINUTE_MS }, absentMs);
  return {
    kubeConfigFile: config.string('kubeConfigFile'),
    allowTtlMs: ttl('allowTTL', 5 * MINUTE_MS),
    denyTtlMs: ttl('denyTTL', 30 * SECOND_MS),
    firstPauseMs: durationOf(
      config.number('retryBackoff'),
      1,
      { least: '1ns', leastMs: 0, mostMs: 5 * MINUTE_MS },
      500,
    ),
    defaultAllow: config.boolean('defaultAllow'),
  };
}

interface Range {
  readonly least: string;
  readonly leastMs: number;
  readonly mostMs: number;
}

/** -1 stands for none, 0 for the default. */
function durationOf(given: number, unitMs: number, { least, leastMs, mostMs }: Range, absentMs: number): number {
  if (given === -1) return 0;
  if (given === 0) return absentMs;
  const ms = given * unitMs;
  if (ms >= leastMs && ms <= mostMs) return ms;
  throw new Error(`valid value is between ${least} and ${formatDuration(mostMs)}, got ${formatDuration(ms)}`);
}

interface ImageReviewStatus {
  readonly allowed?: boolean;
  readonly reason?: string;
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

/** @throws KubeconfigError, or the error of the file system */
export function imagePolicyWebhook(config: ImagePolicyConfig, world: WebhookWorld): AdmissionPlugin {
  const webhook = KubeconfigWebhook.open(config.kubeConfigFile, world);
  const answers = new LRUCache<string, ImageReviewStatus>({
    max: MAX_REMEMBERED,
    ttl: 1,
    ttlResolution: 0,
    perf: { now: () => world.clock.now() },
  });

  async function statusOf(spec: object): Promise<ImageReviewStatus> {
    const key = JSON.stringify(spec);
    const known = answers.get(key);
    if (known) return known;
    const { group, version, kind } = KIND;
    const review = { kind, apiVersion: `${group}/${version}`, metadata: {}, spec, status: { allowed: false } };
    const body = Buffer.from(`${JSON.stringify(review)}\n`);
    const { status = {} } = await withRetries(world, { firstMs: config.firstPauseMs }, async () =>
      reviewOf<{ status?: ImageReviewStatus }>(await webhook.post(body), KIND),
    );
    const ttl = status.allowed ? config.allowTtlMs : config.denyTtlMs;
    if (ttl > 0 && key.length <= MAX_REMEMBERED_CHARACTERS) answers.set(key, status, { ttl });
    return status;
  }

  return {
    name: 'ImagePolicyWebhook',
    handles: (operation, resource, subresource) =>
      resource === 'pods' &&
      (subresource === '' || subresource === 'ephemeralcontainers') &&
      (operation === 'CREATE' || operation === 'UPDATE'),
    async validate(a) {
      let status: ImageReviewStatus;
      try {
        status = await statusOf(specOf(a));
      } catch (error) {
        if (!config.defaultAllow) throw refuse(a, asError(error));
        a.annotate(`${AUDIT_PREFIX}failed-open`, 'true');
        const { metadata } = objectOf<Pod>(a);
        metadata.annotations = { ...metadata.annotations, [FAILED_OPEN]: 'true' };
        return;
      }
      for (const [key, value] of Object.entries(status.auditAnnotations ?? {})) a.annotate(AUDIT_PREFIX + key, value);
      if (status.allowed) return;
      throw refuse(
        a,
        status.reason
          ? `image policy webhook backend denied one or more images: ${status.reason}`
          : 'one or more images rejected by webhook backend',
      );
    },
  };
}

/** What the webhook is told of a pod: its images, and the annotations that are meant for it. */
function specOf(a: AdmissionAttributes): object {
  const { metadata, spec } = objectOf<Pod>(a);
  const { containers, initContainers = [], ephemeralContainers = [] } = spec;
  const reviewed = a.subresource === '' ? [...(containers ?? []), ...initContainers] : ephemeralContainers;
  const shown = Object.entries(metadata.annotations ?? {}).filter(([key]) => key.includes(SHOWN_ANNOTATIONS));
  return {
    ...(reviewed.length > 0 ? { containers: reviewed.map(({ image }) => (image ? { image } : {})) } : {}),
    ...(shown.length > 0 ? { annotations: Object.fromEntries(shown) } : {}),
    ...(a.namespace ? { namespace: a.namespace } : {}),
  };
}
