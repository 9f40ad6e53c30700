/** What must exist before the server is ready: namespaces, roles and bindings. Each part has its health check. */
import type { HealthChecks } from '../health/checks.ts';
import type { Logger } from '../logger.ts';
import {
  bootstrapClusterRoleBindings,
  bootstrapClusterRoles,
  bootstrapRoleBindings,
  bootstrapRoles,
  reconcileBinding,
  reconcileRole,
} from './rbac.ts';
import { type BootstrapClient, createOnly, ensure } from './reconcile.ts';

const SYSTEM_NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease', 'default'];

export async function bootstrap(client: BootstrapClient, health: HealthChecks, _logger: Logger): Promise<void> {
  const namespaces = health.addBootHook('start-system-namespaces-controller');
  const roles = health.addBootHook('rbac/bootstrap-roles');
  await Promise.all(
    SYSTEM_NAMESPACES.map((name) =>
      ensure(client, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, createOnly),
    ),
  );
  namespaces();
  await Promise.all([
    ...bootstrapClusterRoles.map((r) => ensure(client, r, reconcileRole)),
    ...bootstrapRoles.map((r) => ensure(client, r, reconcileRole)),
  ]);
  await Promise.all([
    ...bootstrapClusterRoleBindings.map((b) => ensure(client, b, reconcileBinding)),
    ...bootstrapRoleBindings.map((b) => ensure(client, b, reconcileBinding)),
  ]);
  roles();
}
