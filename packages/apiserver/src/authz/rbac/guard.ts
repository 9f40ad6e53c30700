/** Puts the checks against escalation before every write of roles and bindings. */
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
} from '@keelson/api/generated/types/rbac/v1';
import type { TypedObject } from '@keelson/api/object';
import type { KindRegistration, StrategyContext, WriteHook } from '../../registry/strategy.ts';
import type { Authorize } from '../attributes.ts';
import { checkBindingEscalation, checkRoleEscalation, type EscalationContext } from './escalation.ts';
import { RBAC_GROUP, type RbacIndex } from './index.ts';

export interface GuardOptions {
  readonly rules: Pick<RbacIndex, 'policyRules'>;
  readonly authorize: Authorize;
  /** As stored now; undefined when it does not exist. */
  readonly getRole: (
    resource: 'roles' | 'clusterroles',
    namespace: string,
    name: string,
  ) => Promise<Role | ClusterRole | undefined>;
}

type Registrations = Readonly<Record<string, KindRegistration>>;
type Check = (ctx: EscalationContext, object: TypedObject, old: TypedObject | undefined) => Promise<void>;

const checkRole: Check = (ctx, object, old) => checkRoleEscalation(ctx, as<Role | ClusterRole>(object), old && as(old));
const checkBinding: Check = (ctx, object, old) =>
  checkBindingEscalation(ctx, as<RoleBinding | ClusterRoleBinding>(object), old && as(old));

const CHECKS: Readonly<Record<string, Check>> = {
  roles: checkRole,
  clusterroles: checkRole,
  rolebindings: checkBinding,
  clusterrolebindings: checkBinding,
};
const NOTHING: WriteHook = {};

export function guardRbac(registrations: Registrations, options: GuardOptions): Registrations {
  const guarded = Object.entries(CHECKS).map(([resource, check]) => {
    const key = `${resource}.${RBAC_GROUP}`;
    const registration = registrations[key] ?? { strategy: {} };
    return [key, guard(registration, check, options)] as const;
  });
  return { ...registrations, ...Object.fromEntries(guarded) };
}

function guard(registration: KindRegistration, check: Check, options: GuardOptions): KindRegistration {
  const contextOf = (ctx: StrategyContext, requestName: string): EscalationContext => ({
    user: ctx.user,
    namespace: ctx.namespace,
    requestName,
    authorize: options.authorize,
    rules: options.rules,
    roleRules: (ref, namespace) => rulesOf(options, ref, namespace),
  });
  return {
    ...registration,
    strategy: {
      ...registration.strategy,
      async beginCreate(ctx, object) {
        await check(contextOf(ctx, ''), object, undefined);
        return NOTHING;
      },
      async beginUpdate(ctx, object, old) {
        await check(contextOf(ctx, object.metadata.name ?? ''), object, old);
        return NOTHING;
      },
    },
  };
}

/** @throws Error for a kind that is no role */
async function rulesOf(
  { getRole }: GuardOptions,
  ref: RoleRef,
  namespace: string,
): Promise<readonly PolicyRule[] | undefined> {
  const places = { Role: ['roles', namespace], ClusterRole: ['clusterroles', ''] } as const;
  const place = places[ref.kind as keyof typeof places];
  if (!place) throw new Error(`unsupported role reference kind: ${JSON.stringify(ref.kind)}`);
  const role = await getRole(place[0], place[1], ref.name);
  return role && (role.rules ?? []);
}

function as<T extends TypedObject>(object: TypedObject): T {
  return object as T;
}
