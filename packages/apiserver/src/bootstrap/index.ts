/** What must exist before the server is ready. Each part has its health check. */
import type { ClusterRole, ClusterRoleBinding } from '@keelson/api/generated/types/rbac/v1';
import type { KubeObject } from '@keelson/api/object';
import type { IsEnabled } from '../gates.ts';
import type { HealthChecks } from '../health/checks.ts';
import type { RegistryClient } from './client.ts';
import { legacyTokenTracking, reconcileTracking, SYSTEM_NAMESPACES, systemPriorityClasses } from './objects.ts';
import {
  bootstrapRoleBindings,
  bootstrapRoles,
  clusterPolicy,
  primeAggregatedRoles,
  primeSplitBindings,
  reconcileBinding,
  reconcileRole,
} from './rbac.ts';
import { createOnly, ensure, unlessUnreadable } from './reconcile.ts';

const RBAC_VERSION = 'rbac.authorization.k8s.io/v1';

export interface BootstrapOptions {
  readonly client: RegistryClient;
  readonly health: HealthChecks;
  readonly now: Date;
  /** What extension servers are told. */
  readonly authentication: { start(health: HealthChecks): Promise<void> };
  readonly isEnabled: IsEnabled;
}

/** Resolves when everything exists. @throws StatusError, StoreUnavailableError */
export async function bootstrap(options: BootstrapOptions): Promise<void> {
  const { client, health, now, authentication, isEnabled } = options;
  const namespaces = health.addBootHook('start-system-namespaces-controller');
  const roles = health.addBootHook('rbac/bootstrap-roles');
  const classes = health.addBootHook('scheduling/bootstrap-system-priority-classes');
  const tracking = health.addBootHook('start-legacy-token-tracking-controller');

  await Promise.all(
    SYSTEM_NAMESPACES.map((name) =>
      ensure(client, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, createOnly),
    ),
  );
  namespaces();
  await Promise.all([
    bootstrapRbac(client, isEnabled).then(roles),
    ensureAll(systemPriorityClasses, (c) => ensure(client, c, createOnly)).then(classes),
    authentication.start(health),
    unlessUnreadable(ensure(client, legacyTokenTracking(now), reconcileTracking)).then(tracking),
  ]);
}

async function bootstrapRbac(client: RegistryClient, isEnabled: BootstrapOptions['isEnabled']): Promise<void> {
  const { roles, bindings } = clusterPolicy(isEnabled);
  await prime(client);
  await ensureAll(roles, (r) => ensure(client, r, reconcileRole));
  await ensureAll(bindings, (b) => ensure(client, b, reconcileBinding));
  await ensureAll(bootstrapRoles, (r) => ensure(client, r, reconcileRole));
  await ensureAll(bootstrapRoleBindings, (b) => ensure(client, b, reconcileBinding));
}

/** What an older server's administrator changed is carried over before its new place is filled with the defaults. */
async function prime(client: RegistryClient): Promise<void> {
  const [roles, bindings] = await Promise.all([
    client.list(RBAC_VERSION, 'ClusterRole'),
    client.list(RBAC_VERSION, 'ClusterRoleBinding'),
  ]);
  const named = <T>(objects: readonly KubeObject[], name: string): T | undefined =>
    objects.find((o) => o.metadata.name === name) as T | undefined;
  const writes = [
    ...primeAggregatedRoles((name) => named<ClusterRole>(roles, name)),
    ...primeSplitBindings((name) => named<ClusterRoleBinding>(bindings, name)),
  ];
  for (const { object } of writes) await ensure<ClusterRole | ClusterRoleBinding>(client, object, createOnly);
}

async function ensureAll<T>(desired: readonly T[], one: (object: T) => Promise<void>): Promise<void> {
  await Promise.all(desired.map(one));
}
