/** What is stored and served, each kind with its strategy, and those who look at it from within the server. */
import { compileForValidation } from '../admission/cel/compiler.ts';
import type { AdmissionWorld } from '../admission/plugin.ts';
import { guardParams } from '../admission/policy/guard.ts';
import { admissionWorld } from '../admission/world.ts';
import type { Authorize } from '../authz/attributes.ts';
import { guardRbac } from '../authz/rbac/guard.ts';
import { RBAC_GROUP, type RbacIndex } from '../authz/rbac/index.ts';
import { RegistryClient } from '../bootstrap/client.ts';
import type { ServerConfig } from '../config.ts';
import { schemaJudge } from '../crd/schema/index.ts';
import { RuleMetrics } from '../crd/schema/metrics.ts';
import { type Objects, storedObjects } from '../objects.ts';
import type { AllocationDeps } from '../registry/core/service/allocation/deps.ts';
import { RangeLevels } from '../registry/core/service/allocation/levels.ts';
import { AllocationMetrics } from '../registry/core/service/allocation/metrics.ts';
import { builtinRegistrations } from '../registry/index.ts';
import { Resources } from '../resources.ts';
import type { Foundation } from './foundation.ts';

export interface Registry {
  readonly resources: Resources;
  /** What is stored, read. */
  readonly objects: Objects;
  /** Writes as the server itself. */
  readonly client: RegistryClient;
  readonly world: AdmissionWorld;
  /** Addresses and ports of services. */
  readonly services: AllocationDeps;
  /** Of the rules in definitions' schemas. */
  readonly ruleMetrics: RuleMetrics;
}

/** @param access who may do what, which some kinds ask about what they refer to; and the rules that are stored */
export function registryOf(
  config: ServerConfig,
  { environment, groups, isEnabled, stores, outside }: Foundation,
  { authorize, rules }: { readonly authorize: Authorize; readonly rules: RbacIndex },
): Registry {
  const { store, random, now, logger } = environment;
  /** Of those that have been asked for. */
  const networking = (wanted: string) =>
    [...resources.stores()].find(
      ({ definition: { group, resource } }) => group === 'networking.k8s.io' && resource === wanted,
    );
  const levels = new RangeLevels(() => {
    const [cidrs, addresses] = [networking('servicecidrs'), networking('ipaddresses')];
    return cidrs && addresses && { cidrs, addresses };
  });
  const services: AllocationDeps = {
    client: () => client,
    store,
    random,
    report: (error) => logger.error({ error: String(error) }, 'addresses or ports of a service were not freed'),
    metrics: new AllocationMetrics(outside.registry, outside.monotonic, () => levels.now()),
    clusterIPRanges: config.serviceClusterIpRanges,
    nodePortRange: { base: config.serviceNodePortRange.from, size: config.serviceNodePortRange.size },
  };
  const ruleMetrics = new RuleMetrics(outside.registry, outside.monotonic);
  const builtin = builtinRegistrations({
    eventTtlSeconds: config.eventTtlSeconds,
    services,
    namespaceLabels: (name) => resources.storeOf('', 'namespaces').cached('', name)?.labels,
    ...(isEnabled('DRAResourceClaimGranularStatusAuthorization') ? { authorize } : {}),
    pods: { allowPrivileged: config.allowPrivileged },
    isEnabled,
    compileExpression: compileForValidation,
    schemas: schemaJudge(ruleMetrics),
    metrics: outside.registry,
  });
  const guarded = guardRbac(builtin, {
    rules,
    authorize,
    getRole: (resource, namespace, name) => objects.getLive(`${resource}.${RBAC_GROUP}`, namespace, name),
  });
  const registrations = guardParams(guarded, {
    authorize,
    resourcesOfKind: (...kind) => world.resourcesOfKind(...kind),
    getPolicy: (kind, name) => objects.getLive(`${kind}.admissionregistration.k8s.io`, '', name),
  });
  const resources = new Resources(environment, groups, registrations, (...resource) => stores.of(...resource));
  const objects = storedObjects(resources);
  const client = new RegistryClient(resources, now);
  const world = admissionWorld({ environment, resources, client, objects, authorize, isEnabled });
  return { resources, objects, client, world, services, ruleMetrics };
}
