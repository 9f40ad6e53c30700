/**
 * Whoever writes a policy or a binding must be allowed to read the parameters that it names, or its messages would tell
 * him what he may not see (pkg/registry/admissionregistration: authz.go of the four kinds).
 */
import { semanticEqual } from '@keelson/api/codec/equality';
import { invalid, qualified } from '@keelson/api/errors';
import { forbidden, Path } from '@keelson/api/field';
import type {
  MutatingAdmissionPolicyBindingSpec,
  ParamKind,
  ValidatingAdmissionPolicySpec,
} from '@keelson/api/generated/types/admissionregistration/v1';
import { parseApiVersion, type TypedObject } from '@keelson/api/object';
import { type Authorize, resourceAttributes } from '../../authz/attributes.ts';
import type { KindRegistration, StrategyContext, UserInfo, WriteHook } from '../../registry/strategy.ts';
import type { AdmissionWorld } from '../plugin.ts';

export interface GuardOptions {
  readonly authorize: Authorize;
  readonly resourcesOfKind: AdmissionWorld['resourcesOfKind'];
  /** As stored now; undefined when it does not exist. */
  readonly getPolicy: (kind: PolicyKind, name: string) => Promise<PolicyObject | undefined>;
}

export type PolicyKind = 'validatingadmissionpolicies' | 'mutatingadmissionpolicies';
export interface PolicyObject extends TypedObject {
  readonly spec: Pick<ValidatingAdmissionPolicySpec, 'paramKind'>;
}
interface BindingObject extends TypedObject {
  readonly spec: MutatingAdmissionPolicyBindingSpec;
}

type Registrations = Readonly<Record<string, KindRegistration>>;
/** Why the user may not write the object; undefined: he may. */
type Check = (user: UserInfo, object: TypedObject, old: TypedObject | undefined) => Promise<string | undefined>;

const GROUP = 'admissionregistration.k8s.io';
const SUPERUSERS = 'system:masters';
const NOTHING: WriteHook = {};

export function guardParams(registrations: Registrations, options: GuardOptions): Registrations {
  const policies = (check: Check, resource: string) => guarded(registrations, resource, 'paramKind', check);
  const bindings = (kind: PolicyKind, resource: string) =>
    guarded(registrations, resource, 'paramRef', (user, object, old) =>
      checkBinding(options, kind, user, object as BindingObject, old as BindingObject | undefined),
    );
  const checkKind: Check = (user, object, old) =>
    checkPolicy(options, user, object as PolicyObject, old as PolicyObject | undefined);
  return {
    ...registrations,
    ...policies(checkKind, 'validatingadmissionpolicies'),
    ...policies(checkKind, 'mutatingadmissionpolicies'),
    ...bindings('validatingadmissionpolicies', 'validatingadmissionpolicybindings'),
    ...bindings('mutatingadmissionpolicies', 'mutatingadmissionpolicybindings'),
  };
}

/** Only well-formed objects are looked at: what else is wrong with one is told first. */
function guarded(registrations: Registrations, resource: string, field: string, check: Check): Registrations {
  const key = qualified({ group: GROUP, resource });
  const registration = registrations[key];
  if (!registration) return {};
  const { strategy } = registration;
  const run = async (
    ctx: StrategyContext,
    object: TypedObject,
    old: TypedObject | undefined,
    isWellFormed: () => boolean,
  ): Promise<WriteHook> => {
    const why = ctx.user.groups.includes(SUPERUSERS) ? undefined : await check(ctx.user, object, old);
    if (why !== undefined && isWellFormed()) {
      const error = forbidden(Path.of('spec', field), why);
      throw invalid(GROUP, object.kind ?? '', object.metadata.name ?? '', [error]);
    }
    return NOTHING;
  };
  return {
    [key]: {
      ...registration,
      strategy: {
        ...strategy,
        beginCreate: (ctx, object) =>
          run(ctx, object, undefined, () => (strategy.validate?.(ctx, object) ?? []).length === 0),
        beginUpdate: (ctx, object, old) =>
          run(ctx, object, old, () => (strategy.validateUpdate?.(ctx, object, old) ?? []).length === 0),
      },
    },
  };
}

async function checkPolicy(
  options: GuardOptions,
  user: UserInfo,
  { spec: { paramKind } }: PolicyObject,
  old: PolicyObject | undefined,
): Promise<string | undefined> {
  if (!paramKind || semanticEqual(paramKind, old?.spec.paramKind)) return undefined;
  const what = { ...resourceOf(paramKind, options), name: '*', namespace: '*' };
  const { decision } = await options.authorize(resourceAttributes({ user, verb: 'get', ...what }));
  if (decision === 'allow') return undefined;
  const { kind, apiVersion } = paramKind;
  const which = `referenced paramKind (kind=${kind}, apiVersion=${apiVersion})`;
  return `user ${shown(user)} must have "get" permission on all objects of the ${which}`;
}

async function checkBinding(
  options: GuardOptions,
  policyKind: PolicyKind,
  user: UserInfo,
  { spec }: BindingObject,
  old: BindingObject | undefined,
): Promise<string | undefined> {
  const { paramRef, policyName = '' } = spec;
  if (!paramRef) return undefined;
  const isSame = semanticEqual(paramRef, old?.spec.paramRef) && policyName === old?.spec.policyName;
  if (isSame && !paramRef.selector) return undefined;
  const policy = await options.getPolicy(policyKind, policyName);
  const paramKind = policy?.spec.paramKind;
  const resource = paramKind ? resourceOf(paramKind, options) : ANY;
  const { name = '', namespace = '' } = paramRef;
  const verb = name === '' ? 'list' : 'get';
  const { decision } = await options.authorize(resourceAttributes({ user, verb, name, namespace, ...resource }));
  if (decision === 'allow') return undefined;
  const needed = `to determine minimum required permissions and user ${shown(user)} does not have "${verb}" permission`;
  if (!policy) return `unable to get policy ${policyName} ${needed} for all groups, versions and resources`;
  if (paramKind && resource.resource === '*') {
    const kind = `&{${paramKind.apiVersion} ${paramKind.kind}}`;
    return `unable to resolve paramKind ${kind} ${needed} for all groups, versions and resources`;
  }
  // Upstream swaps the two for one of the kinds.
  const [who, may] = policyKind === 'mutatingadmissionpolicies' ? [verb, shown(user)] : [shown(user), verb];
  return `user ${who} does not have "${may}" permission on the object referenced by paramRef`;
}

const ANY = { apiGroup: '*', apiVersion: '*', resource: '*' };

/** All of them where the kind is not served. */
function resourceOf({ apiVersion = '', kind = '' }: ParamKind, { resourcesOfKind }: GuardOptions): typeof ANY {
  const { group, version } = parseApiVersion(apiVersion);
  const [found] = resourcesOfKind(group, version, kind);
  return { apiGroup: group, apiVersion: version, resource: found?.resource ?? '*' };
}

/** As Go prints a user. */
function shown({ name, uid, groups, extra }: UserInfo): string {
  const more = Object.keys(extra)
    .sort()
    .map((key) => `${key}:[${extra[key]!.join(' ')}]`);
  return `&{${name} ${uid} [${groups.join(' ')}] map[${more.join(' ')}]}`;
}
