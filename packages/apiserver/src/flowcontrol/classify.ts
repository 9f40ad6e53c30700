/** Which FlowSchema a request belongs to (apiserver/pkg/util/flowcontrol/rule.go). */
import type {
  FlowSchema,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from '@keelson/api/generated/types/flowcontrol/v1';
import type { UserInfo } from '../registry/strategy.ts';
import type { RequestInfo } from '../requestinfo.ts';

const ANY = '*';
const SERVICE_ACCOUNT = 'system:serviceaccount:';
/** What is remembered of all users, and of one; beyond that it is found out anew. */
const MAX_USERS = 4096;
const MAX_CLASSES_PER_USER = 512;

/** Smaller precedence first, then by name. */
export function compareSchemas(a: FlowSchema, b: FlowSchema): number {
  const [x, y] = [a.spec.matchingPrecedence ?? 0, b.spec.matchingPrecedence ?? 0];
  if (x !== y) return x - y;
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
}

export function matchesSchema({ spec }: FlowSchema, user: UserInfo, info: RequestInfo): boolean {
  return (spec.rules ?? []).some((rule) => matchesRule(rule, user, info));
}

function matchesRule(rule: PolicyRulesWithSubjects, user: UserInfo, info: RequestInfo): boolean {
  if (!(rule.subjects ?? []).some((subject) => isSubject(subject, user))) return false;
  return info.isResourceRequest
    ? (rule.resourceRules ?? []).some((r) => matchesResource(r, info))
    : (rule.nonResourceRules ?? []).some((r) => matchesPath(r, info));
}

function isSubject({ kind, user: wanted, group, serviceAccount }: Subject, user: UserInfo): boolean {
  switch (kind) {
    case 'User':
      return wanted !== undefined && wanted !== null && (wanted.name === ANY || wanted.name === user.name);
    case 'Group':
      return group !== undefined && group !== null && (group.name === ANY || user.groups.includes(group.name));
    case 'ServiceAccount': {
      if (!serviceAccount) return false;
      const ofNamespace = `${SERVICE_ACCOUNT}${serviceAccount.namespace}:`;
      return serviceAccount.name === ANY
        ? user.name.startsWith(ofNamespace)
        : user.name === ofNamespace + serviceAccount.name;
    }
    default:
      return false;
  }
}

function matchesResource(rule: ResourcePolicyRule, info: RequestInfo): boolean {
  const resource = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  return (
    lists(rule.verbs, info.verb) &&
    lists(rule.resources, resource) &&
    lists(rule.apiGroups, info.apiGroup) &&
    (info.namespace === '' ? rule.clusterScope === true : lists(rule.namespaces, info.namespace))
  );
}

/** A path also stands for everything below it. */
function matchesPath(rule: NonResourcePolicyRule, { verb, path }: RequestInfo): boolean {
  if (!lists(rule.verbs, verb)) return false;
  return (rule.nonResourceURLs ?? []).some((url) => {
    if (url === ANY || url === path) return true;
    const prefix = url.endsWith(ANY) ? url.slice(0, -1) : url;
    return path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
  });
}

/** The wildcard counts only where it stands alone. */
function lists(list: readonly string[] | null | undefined, wanted: string): boolean {
  if (!list) return false;
  return (list.length === 1 && list[0] === ANY) || list.includes(wanted);
}

interface KnownUser<C> {
  readonly groups: readonly string[];
  readonly classes: Map<string, C>;
}

/**
 * Finds classes and remembers them. What is remembered is exact: its key holds everything that the rules can ask of a
 * request for a resource. Names of objects are not part of it, and namespaces only those that some rule names.
 */
export class Classifier<C extends { readonly schema: FlowSchema }> {
  readonly #classes: readonly C[];
  readonly #fallback: C;
  readonly #namespaces: ReadonlySet<string>;
  readonly #users = new Map<string, KnownUser<C>>();

  /** @param classes in any order @param fallback for what matches none of them */
  constructor(classes: readonly C[], fallback: C) {
    this.#classes = [...classes].sort((a, b) => compareSchemas(a.schema, b.schema));
    this.#fallback = fallback;
    const rules = classes.flatMap(({ schema }) => schema.spec.rules ?? []);
    this.#namespaces = new Set(rules.flatMap((r) => (r.resourceRules ?? []).flatMap((x) => x.namespaces ?? [])));
  }

  get classes(): readonly C[] {
    return this.#classes;
  }

  classify(user: UserInfo, info: RequestInfo): C {
    if (!info.isResourceRequest) return this.#find(user, info);
    let known = this.#users.get(user.name);
    if (known === undefined || !sameList(known.groups, user.groups)) known = this.#meet(user);
    const key = `${info.verb} ${info.apiGroup}/${info.resource}/${info.subresource}${this.#scopeKey(info.namespace)}`;
    let found = known.classes.get(key);
    if (found === undefined) {
      found = this.#find(user, info);
      if (known.classes.size >= MAX_CLASSES_PER_USER) known.classes.clear();
      known.classes.set(key, found);
    }
    return found;
  }

  /** A blank cannot be part of a namespace that rules name. */
  #scopeKey(namespace: string): string {
    if (namespace === '') return '';
    return this.#namespaces.has(namespace) ? ` ${namespace}` : ' ';
  }

  #meet(user: UserInfo): KnownUser<C> {
    if (this.#users.size >= MAX_USERS) this.#users.clear();
    const known = { groups: user.groups, classes: new Map<string, C>() };
    this.#users.set(user.name, known);
    return known;
  }

  #find(user: UserInfo, info: RequestInfo): C {
    return this.#classes.find(({ schema }) => matchesSchema(schema, user, info)) ?? this.#fallback;
  }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
