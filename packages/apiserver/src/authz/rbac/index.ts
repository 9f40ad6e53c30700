/**
 * Who may do what by roles and bindings, indexed by subject so that a request looks only at bindings that name its
 * user or groups. Fed with every change of the four kinds (plugin/pkg/auth/authorizer/rbac, pkg/registry/rbac/validation).
 */
import { notFound, type StatusError } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
  Subject,
} from '@keelson/api/generated/types/rbac/v1';
import { aggregate } from '../../aggregate.ts';
import { serviceAccountUsername } from '../../authn/serviceaccount/names.ts';
import type { UserInfo } from '../../registry/strategy.ts';
import type { Attributes, Authorizer, Decision, RulesOf } from '../attributes.ts';
import { ruleAllows } from './rules.ts';

export const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** A binding of a namespace, or of the cluster where `namespace` is empty. */
interface Binding {
  readonly name: string;
  readonly namespace: string;
  readonly roleRef: RoleRef;
  readonly subjects: readonly Subject[];
}

type BindingTable = Map<string, Binding>;

export class RbacIndex implements Authorizer {
  /** By `namespace/name`; cluster roles have no namespace. */
  readonly #roles = new Map<string, readonly PolicyRule[]>();
  readonly #bindings = new Map<string, Binding>();
  /** Namespace → subject → bindings by name. */
  readonly #bySubject = new Map<string, Map<string, BindingTable>>();

  setRole({ metadata, rules }: Role | ClusterRole): void {
    this.#roles.set(keyOf(metadata.namespace, metadata.name), rules ?? []);
  }

  deleteRole(namespace: string, name: string): void {
    this.#roles.delete(keyOf(namespace, name));
  }

  setBinding({ metadata, roleRef, subjects = [] }: RoleBinding | ClusterRoleBinding): void {
    const { name = '', namespace = '' } = metadata;
    this.deleteBinding(namespace, name);
    const binding: Binding = { name, namespace, roleRef, subjects };
    this.#bindings.set(keyOf(namespace, name), binding);
    const local = this.#bySubject.get(namespace) ?? new Map<string, BindingTable>();
    this.#bySubject.set(namespace, local);
    for (const key of subjectKeys(binding)) {
      const table: BindingTable = local.get(key) ?? new Map();
      local.set(key, table.set(name, binding));
    }
  }

  deleteBinding(namespace: string, name: string): void {
    const binding = this.#bindings.get(keyOf(namespace, name));
    if (!binding) return;
    this.#bindings.delete(keyOf(namespace, name));
    const local = this.#bySubject.get(namespace)!;
    for (const key of subjectKeys(binding)) {
      const table = local.get(key);
      if (table?.delete(name) && table.size === 0) local.delete(key);
    }
    if (local.size === 0) this.#bySubject.delete(namespace);
  }

  readonly authorize = (attributes: Attributes): Decision => {
    const missing: RoleRef[] = [];
    for (const binding of this.#bindingsFor(attributes.user, attributes.namespace)) {
      const rules = this.rulesOfRole(binding.roleRef, binding.namespace);
      if (rules === undefined) missing.push(binding.roleRef);
      else if (rules.some((rule) => ruleAllows(rule, attributes)))
        return { decision: 'allow', reason: `RBAC: allowed by ${describe(binding, attributes.user)}` };
    }
    const unresolved = aggregate(missing.map((ref) => missingRole(ref)));
    return { decision: 'no-opinion', reason: unresolved ? `RBAC: ${unresolved.message}` : '' };
  };

  /** All rules that hold for a user in a namespace, and the roles that do not exist though bindings name them. */
  policyRules(user: UserInfo, namespace: string): { rules: PolicyRule[]; missing: RoleRef[] } {
    const rules: PolicyRule[] = [];
    const missing: RoleRef[] = [];
    for (const binding of this.#bindingsFor(user, namespace)) {
      const found = this.rulesOfRole(binding.roleRef, binding.namespace);
      if (found) rules.push(...found);
      else missing.push(binding.roleRef);
    }
    return { rules, missing };
  }

  rulesFor(user: UserInfo, namespace: string): RulesOf {
    const { rules, missing } = this.policyRules(user, namespace);
    const error = aggregate(missing.map((ref) => missingRole(ref)));
    return {
      resourceRules: rules
        .filter((r) => r.resources?.length)
        .map((r) => ({
          verbs: r.verbs ?? [],
          apiGroups: r.apiGroups ?? [],
          resources: r.resources!,
          resourceNames: r.resourceNames ?? [],
        })),
      nonResourceRules: rules
        .filter((r) => r.nonResourceURLs?.length)
        .map((r) => ({ verbs: r.verbs ?? [], nonResourceURLs: r.nonResourceURLs! })),
      incomplete: false,
      ...(error ? { error } : {}),
    };
  }

  /** Undefined for a role that does not exist. @param namespace that of the binding */
  rulesOfRole(ref: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    return this.#roles.get(keyOf(ref.kind === 'Role' ? namespace : '', ref.name));
  }

  /** Bindings of the cluster first, then those of the namespace; each once. */
  *#bindingsFor(user: UserInfo, namespace: string): Generator<Binding> {
    for (const place of namespace === '' ? [''] : ['', namespace]) {
      const local = this.#bySubject.get(place);
      if (!local) continue;
      const seen = new Set<Binding>();
      for (const key of [`User:${user.name}`, ...user.groups.map((g) => `Group:${g}`)]) {
        for (const binding of local.get(key)?.values() ?? []) {
          if (seen.has(binding)) continue;
          seen.add(binding);
          yield binding;
        }
      }
    }
  }
}

function keyOf(namespace: string | undefined, name: string | undefined): string {
  return `${namespace ?? ''}/${name ?? ''}`;
}

function subjectKeys(binding: Binding): Set<string> {
  return new Set(binding.subjects.map((s) => subjectKey(s, binding.namespace)).filter((key) => key !== undefined));
}

/** Service accounts are users with a name made of theirs. In a namespace's binding they are by default its own. */
function subjectKey(subject: Subject, namespace: string): string | undefined {
  switch (subject.kind) {
    case 'User':
      return `User:${subject.name}`;
    case 'Group':
      return `Group:${subject.name}`;
    case 'ServiceAccount': {
      const home = subject.namespace || namespace;
      return home === '' ? undefined : `User:${serviceAccountUsername(home, subject.name)}`;
    }
    default:
      return undefined;
  }
}

function describe(binding: Binding, user: UserInfo): string {
  const keys = new Set([`User:${user.name}`, ...user.groups.map((g) => `Group:${g}`)]);
  const subject = binding.subjects.find((s) => keys.has(subjectKey(s, binding.namespace) ?? ''))!;
  const subjectName =
    subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace || binding.namespace}` : subject.name;
  const [kind, name] =
    binding.namespace === ''
      ? ['ClusterRoleBinding', binding.name]
      : ['RoleBinding', `${binding.name}/${binding.namespace}`];
  const role = `${binding.roleRef.kind} ${quote(binding.roleRef.name)}`;
  return `${kind} ${quote(name)} of ${role} to ${subject.kind} ${quote(subjectName)}`;
}

function missingRole(ref: RoleRef): StatusError {
  return notFound({ group: RBAC_GROUP, resource: ref.kind === 'Role' ? 'role' : 'clusterrole' }, ref.name);
}
