/**
 * Admission that is configured through the API: webhooks and policies. What is configured is followed, never asked for,
 * so that a request that nobody wants to see costs next to nothing. docs/admission.md draws it.
 */
import { qualified } from '@keelson/api/errors';
import { type Follower, follow } from '../registry/follow.ts';
import type { Resources } from '../resources.ts';
import { type CompileConditions, ConditionError } from './matching/conditions.ts';
import type { AdmissionMetrics } from './metrics.ts';
import type { AdmissionPlugin, AdmissionWorld } from './plugin.ts';
import { type CredentialsFor, WebhookClient } from './webhook/client.ts';
import { Hooks } from './webhook/hooks.ts';
import { mutatingAdmissionWebhook } from './webhook/mutating.ts';
import { serviceResolver } from './webhook/services.ts';
import { validatingAdmissionWebhook } from './webhook/validating.ts';

export interface DynamicOptions {
  readonly world: AdmissionWorld;
  readonly resources: Resources;
  readonly metrics: AdmissionMetrics;
  readonly uuid: () => string;
  /** Whom webhooks are told that they are asked by. */
  readonly credentialsFor?: CredentialsFor;
}

export interface DynamicAdmission {
  readonly plugins: readonly AdmissionPlugin[];
  /** Resolves when everything that is configured by now is known. */
  start(): Promise<void>;
  close(): void;
}

const GROUP = 'admissionregistration.k8s.io';

export function dynamicAdmission({
  world,
  resources,
  metrics,
  uuid,
  credentialsFor,
}: DynamicOptions): DynamicAdmission {
  const client = new WebhookClient({
    resolve: serviceResolver(world.objects),
    ...(credentialsFor ? { credentialsFor } : {}),
  });
  const compile: CompileConditions = () => ({
    match: () => Promise.reject(new ConditionError('expressions are not evaluated')),
  });
  const mutating = new Hooks('admit', compile);
  const validating = new Hooks('validating', compile);
  const calling = { client, uuid, metrics };
  const sources: Readonly<Record<string, Follower>> = {
    mutatingwebhookconfigurations: mutating,
    validatingwebhookconfigurations: validating,
  };
  const stops: (() => void)[] = [];
  return {
    plugins: [
      mutatingAdmissionWebhook(world, mutating, calling),
      validatingAdmissionWebhook(world, validating, calling),
    ],
    async start() {
      const served = new Set([...resources.all()].map(({ definition }) => qualified(definition)));
      const followed = Object.entries(sources).filter(([resource]) => served.has(`${resource}.${GROUP}`));
      const following = followed.map(([resource, source]) => follow(resources.storeOf(GROUP, resource), source));
      stops.push(...(await Promise.all(following)));
    },
    close() {
      for (const stop of stops) stop();
      client.close();
    },
  };
}
