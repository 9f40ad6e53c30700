/**
 * Admission that is configured through the API: webhooks and policies. What is configured is followed, never asked for,
 * so that a request that nobody wants to see costs next to nothing. docs/admission.md draws it.
 */
import { qualified } from '@keelson/api/errors';
import type { EgressSelector } from '../egress/index.ts';
import { type Follower, follow } from '../registry/follow.ts';
import type { Resources } from '../resources.ts';
import type { Tracing } from '../tracing/index.ts';
import { type ResolveService, WebhookClient } from '../webhook/client.ts';
import { webhookConditions } from './cel/conditions.ts';
import type { PluginConfigurations } from './configuration.ts';
import type { AdmissionMetrics } from './metrics.ts';
import type { AdmissionPlugin, AdmissionWorld } from './plugin.ts';
import { type MutatingPolicies, mutatingAdmissionPolicy } from './policy/mutating.ts';
import { Mutator } from './policy/mutator.ts';
import { paramsOf } from './policy/params.ts';
import { Policies } from './policy/policies.ts';
import { type ValidatingPolicies, validatingAdmissionPolicy } from './policy/validating.ts';
import { Validator } from './policy/validator.ts';
import { Hooks } from './webhook/hooks.ts';
import { mutatingAdmissionWebhook } from './webhook/mutating.ts';
import { WebhookUsers } from './webhook/users.ts';
import { validatingAdmissionWebhook } from './webhook/validating.ts';

export interface DynamicOptions {
  readonly world: AdmissionWorld;
  readonly resources: Resources;
  readonly metrics: AdmissionMetrics;
  readonly uuid: () => string;
  readonly configurations?: PluginConfigurations | undefined;
  readonly resolveService: ResolveService;
  readonly egress: EgressSelector | undefined;
  readonly tracing: Tracing | undefined;
}

export interface DynamicAdmission {
  readonly plugins: readonly AdmissionPlugin[];
  /** Resolves when everything that is configured by now is known. */
  start(): Promise<void>;
  close(): void;
}

const GROUP = 'admissionregistration.k8s.io';

export function dynamicAdmission(options: DynamicOptions): DynamicAdmission {
  const { world, resources, metrics, uuid, configurations, tracing } = options;
  const clientOf = (plugin: string): WebhookClient => {
    const users = configurations?.get(plugin);
    return new WebhookClient({
      resolve: options.resolveService,
      egress: options.egress,
      tracing,
      ...(users instanceof WebhookUsers ? { credentialsFor: (server) => users.for(server) } : {}),
    });
  };
  const clients = {
    mutating: clientOf('MutatingAdmissionWebhook'),
    validating: clientOf('ValidatingAdmissionWebhook'),
  };
  const conditions = webhookConditions(world.authorize, metrics);
  const mutatingHooks = new Hooks('admit', conditions);
  const validatingHooks = new Hooks('validating', conditions);
  const mutating: MutatingPolicies = new Policies((policy) => new Mutator(policy, metrics));
  const validating: ValidatingPolicies = new Policies((policy) => new Validator(policy, metrics));
  const calling = { uuid, metrics, tracing };
  const policing = { world, paramsOf: paramsOf(resources), metrics };
  const sources: Readonly<Record<string, Follower>> = {
    mutatingwebhookconfigurations: mutatingHooks,
    validatingwebhookconfigurations: validatingHooks,
    mutatingadmissionpolicies: mutating.policies,
    mutatingadmissionpolicybindings: mutating.bindings,
    validatingadmissionpolicies: validating.policies,
    validatingadmissionpolicybindings: validating.bindings,
  };
  const stops: (() => void)[] = [];
  return {
    plugins: [
      mutatingAdmissionPolicy({ ...policing, policies: mutating }),
      mutatingAdmissionWebhook(world, mutatingHooks, { ...calling, client: clients.mutating }),
      validatingAdmissionPolicy({ ...policing, policies: validating }),
      validatingAdmissionWebhook(world, validatingHooks, { ...calling, client: clients.validating }),
    ],
    async start() {
      const served = new Set([...resources.all()].map(({ definition }) => qualified(definition)));
      const followed = Object.entries(sources).filter(([resource]) => served.has(`${resource}.${GROUP}`));
      const following = followed.map(([resource, source]) => follow(resources.storeOf(GROUP, resource), source));
      stops.push(...(await Promise.all(following)));
    },
    close() {
      for (const stop of stops) stop();
      clients.mutating.close();
      clients.validating.close();
    },
  };
}
