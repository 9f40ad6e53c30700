/** One webhook asked about one request (callHook of the dispatchers in k8s.io/apiserver/pkg/admission/plugin/webhook). */
import { internalError, StatusError } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type { AdmissionReview } from '@keelson/api/generated/types/admission/v1';
import type { Attributes, Tracing } from '../../tracing/index.ts';
import { UnusableConfig, type WebhookClient } from '../../webhook/client.ts';
import { bodyOf } from '../../webhook/reply.ts';
import type { VersionedObjects } from '../matching/forms.ts';
import type { AdmissionMetrics, Step } from '../metrics.ts';
import type { Match, Webhook } from './hooks.ts';
import {
  decodeReview,
  denial,
  dryRunUnsupported,
  encodeReview,
  InvalidResponse,
  reviewVersion,
  type Verdict,
  verdictOf,
} from './review.ts';

/** The webhook gave no answer that counts: its failurePolicy says what follows. */
export class WebhookFailure extends Error {
  override readonly name = 'WebhookFailure';
  /** What is counted. */
  readonly code: number;

  constructor({ name }: Webhook, reason: string, code: number) {
    super(`failed calling webhook ${quote(name)}: ${reason}`);
    this.code = code;
  }
}

/** The webhook said no. */
export class Denial extends Error {
  override readonly name = 'Denial';
  readonly status: StatusError;

  constructor(status: StatusError) {
    super(status.message);
    this.status = status;
  }
}

export interface Calling {
  readonly client: WebhookClient;
  readonly uuid: () => string;
  readonly metrics: AdmissionMetrics;
  readonly tracing?: Tracing | undefined;
}

const DEFAULT_TIMEOUT_SECONDS = 10;

/**
 * What the webhook decided; its warnings and audit annotations have been passed on.
 * @throws WebhookFailure, Denial, StatusError
 */
export async function ask(
  { client, uuid, tracing }: Calling,
  { hook }: Match,
  objects: VersionedObjects,
  isMutating: boolean,
): Promise<Verdict> {
  const { webhook } = hook;
  const { attributes } = objects;
  if (attributes.dryRun) checkSideEffects(webhook);
  const version = reviewVersion(webhook.admissionReviewVersions ?? []);
  if (!version) {
    const why = 'webhook does not accept known AdmissionReview versions (v1, v1beta1)';
    throw new WebhookFailure(webhook, `could not create admission objects: ${why}`, 400);
  }
  const uid = uuid();
  const body = encodeReview(version, uid, objects);
  let review: AdmissionReview;
  try {
    const post = () => client.post(webhook.clientConfig, body, secondsFor(webhook, attributes.msLeft()));
    const name = `Call ${isMutating ? 'mutating' : 'validating'} webhook`;
    const reply = await (tracing ? tracing.within(name, traced(hook, objects, uid), post) : post());
    review = decodeReview(bodyOf(reply), version);
  } catch (error) {
    if (error instanceof UnusableConfig)
      throw new WebhookFailure(webhook, `could not get REST client: ${error.message}`, 500);
    const code = error instanceof StatusError ? error.code : 503;
    throw new WebhookFailure(webhook, `failed to call webhook: ${(error as Error).message}`, code);
  }
  const verdict = verify(webhook, () => verdictOf(review, version, uid, isMutating));
  for (const [key, value] of Object.entries(verdict.auditAnnotations))
    attributes.annotate(`${webhook.name}/${key}`, value);
  for (const text of verdict.warnings) attributes.warn(text);
  if (!verdict.allowed) throw new Denial(denial(webhook.name, verdict.status));
  return verdict;
}

function traced({ configuration, webhook }: Match['hook'], { attributes }: VersionedObjects, uid: string): Attributes {
  const { group, version, resource } = attributes.resource;
  return {
    configuration,
    webhook: webhook.name,
    resource: `${group}/${version}, Resource=${resource}`,
    subresource: attributes.subresource,
    operation: attributes.operation,
    UID: uid,
  };
}

/** A webhook has no more time than is left for the whole request. */
function secondsFor({ timeoutSeconds = DEFAULT_TIMEOUT_SECONDS }: Webhook, msLeft: number): number {
  return Math.min(timeoutSeconds, Math.max(0, msLeft) / 1000);
}

function verify<T>(webhook: Webhook, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof InvalidResponse)) throw error;
    throw new WebhookFailure(webhook, `received invalid webhook response: ${error.message}`, 503);
  }
}

function checkSideEffects(webhook: Webhook): void {
  const { name, sideEffects } = webhook;
  if (sideEffects === undefined) throw new WebhookFailure(webhook, 'Webhook SideEffects is nil', 400);
  if (sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun') throw dryRunUnsupported(name);
}

/** @throws StatusError 500 where an object is not converted to the form that a webhook wants to see */
export async function unlessRefused<T>(conversion: Promise<T>): Promise<T> {
  try {
    return await conversion;
  } catch (error) {
    throw internalError((error as Error).message);
  }
}

/** Runs a call and counts how it ends. @throws what `run` throws */
export async function counted<T>(
  metrics: AdmissionMetrics,
  { hook: { webhook } }: Match,
  step: Step,
  { attributes: { operation } }: VersionedObjects,
  run: () => Promise<T>,
): Promise<T> {
  const { name } = webhook;
  const startedAt = metrics.now();
  const done = (code: number, rejected: boolean): void =>
    metrics.reviewed(name, step, operation, metrics.now() - startedAt, code, rejected);
  try {
    const result = await run();
    done(200, false);
    return result;
  } catch (error) {
    if (error instanceof WebhookFailure) {
      const rejected = !failsOpen(webhook);
      if (rejected) metrics.rejected(name, step, operation, 'calling_webhook_error', error.code);
      done(error.code, rejected);
    } else if (error instanceof Denial) {
      metrics.rejected(name, step, operation, 'no_error', error.status.code);
      done(error.status.code, true);
    } else {
      metrics.rejected(name, step, operation, 'apiserver_internal_error', 0);
      done(0, true);
    }
    throw error;
  }
}

export function failsOpen({ failurePolicy }: Webhook): boolean {
  return failurePolicy === 'Ignore';
}
