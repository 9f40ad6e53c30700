/**
 * The Node mode: a kubelet reads what its pods need and no more (plugin/pkg/auth/authorizer/node). What it may do with
 * its own objects beyond that, the admission plugin NodeRestriction decides, which sees them.
 */
import { quote } from '@keelson/api/field';
import type { PolicyRule } from '@keelson/api/generated/types/rbac/v1';
import { NODES_GROUP } from '../../authn/authenticator.ts';
import type { IsEnabled } from '../../gates.ts';
import type { UserInfo } from '../../registry/strategy.ts';
import { ALLOW, type Attributes, type Authorizer, type Decision, NO_OPINION } from '../attributes.ts';
import { ruleAllows } from '../rbac/rules.ts';
import type { NodeGraph, ObjectKind } from './graph.ts';

const USER_PREFIX = 'system:node:';
const LEASE_NAMESPACE = 'kube-node-lease';

/** Undefined for who is no node; the name may be empty. */
export function nodeOf({ name, groups }: UserInfo): string | undefined {
  return name.startsWith(USER_PREFIX) && groups.includes(NODES_GROUP) ? name.slice(USER_PREFIX.length) : undefined;
}

type Rule = (node: string, a: Attributes) => Decision;

/** @param rules what every node may do: those of the cluster role `system:node` */
export function nodeAuthorizer(graph: NodeGraph, rules: readonly PolicyRule[], isEnabled: IsEnabled): Authorizer {
  const special = specialRules(graph, isEnabled);
  return {
    authorize(a) {
      const node = nodeOf(a.user);
      if (node === undefined) return NO_OPINION;
      if (node === '') return no(`unknown node for user ${quote(a.user.name)}`);
      const rule = a.isResourceRequest ? special[`${a.resource}.${a.apiGroup}`] : undefined;
      if (rule) return rule(node, a);
      return rules.some((r) => ruleAllows(r, a)) ? ALLOW : NO_OPINION;
    },
    rulesFor(user) {
      const nothing = { resourceRules: [], nonResourceRules: [] };
      if (nodeOf(user) === undefined) return { ...nothing, incomplete: false };
      const error = new Error('node authorizer does not support user rule resolution');
      return { ...nothing, incomplete: true, error };
    },
  };
}

/** By `resource.group`. */
function specialRules(graph: NodeGraph, isEnabled: IsEnabled): Readonly<Record<string, Rule>> {
  const related = (node: string, kind: ObjectKind, a: Attributes): Decision =>
    graph.leadsTo(node, kind, a.namespace, a.name)
      ? ALLOW
      : no(`no relationship found between node '${node}' and this object`);
  const relatedByName = (node: string, kind: ObjectKind, a: Attributes): Decision =>
    a.name === '' ? no('No Object name found') : related(node, kind, a);

  const gets =
    (kind: ObjectKind): Rule =>
    (node, a) => {
      if (a.verb !== 'get') return no('can only get individual resources of this type');
      return a.subresource === '' ? relatedByName(node, kind, a) : no('cannot get subresource');
    };
  const reads =
    (kind: ObjectKind): Rule =>
    (node, a) => {
      if (!isOneOf(a.verb, 'get', 'list', 'watch')) return no('can only read resources of this type');
      if (a.subresource !== '') return no('cannot read subresource');
      return a.namespace === '' ? no('can only read namespaced object of this type') : relatedByName(node, kind, a);
    };

  return {
    'secrets.': reads('secret'),
    'configmaps.': reads('configmap'),
    'persistentvolumeclaims.': (node, a) => {
      if (a.subresource !== 'status') return gets('pvc')(node, a);
      if (!isOneOf(a.verb, 'update', 'patch')) return no('can only get/update/patch this type');
      return relatedByName(node, 'pvc', a);
    },
    'persistentvolumes.': gets('pv'),
    'resourceclaims.resource.k8s.io': gets('resourceclaim'),
    'volumeattachments.storage.k8s.io': gets('volumeattachment'),
    'serviceaccounts.': (node, a) => {
      if (a.verb === 'get' && a.subresource === '') {
        const mayGet = READING_ACCOUNTS.some(isEnabled);
        return mayGet ? reads('serviceaccount')(node, a) : no('not allowed to get service accounts');
      }
      if (a.verb !== 'create' || a.name === '') return no('can only create tokens for individual service accounts');
      if (a.subresource !== 'token') return no('can only create token subresource of serviceaccount');
      return related(node, 'serviceaccount', a);
    },
    'leases.coordination.k8s.io': lease,
    'csinodes.storage.k8s.io': csiNode,
    'resourceslices.resource.k8s.io': (node, a) => {
      if (a.subresource !== '') return no('cannot authorize ResourceSlice subresources');
      if (a.verb === 'create') return ALLOW;
      if (isOneOf(a.verb, 'get', 'update', 'patch', 'delete')) return relatedByName(node, 'resourceslice', a);
      if (isOneOf(a.verb, 'watch', 'list', 'deletecollection'))
        return selects(a, 'spec.nodeName', node)
          ? ALLOW
          : no('can only list/watch/deletecollection resourceslices with nodeName field selector');
      return no(
        'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
      );
    },
    'nodes.': ownNode,
    'pods.': (node, a) => {
      switch (`${a.verb}/${a.subresource}`) {
        case 'get/':
          return relatedByName(node, 'pod', a);
        case 'list/':
        case 'watch/':
          if (selects(a, 'spec.nodeName', node)) return ALLOW;
          return a.name === ''
            ? no('can only list/watch pods with spec.nodeName field selector')
            : related(node, 'pod', a);
        case 'create/':
        case 'delete/':
        case 'update/status':
        case 'patch/status':
        case 'create/eviction':
          return ALLOW;
        default:
          return NO_OPINION;
      }
    },
    'podcertificaterequests.certificates.k8s.io': (node, a) => {
      if (!isEnabled('PodCertificateRequest')) return NO_OPINION;
      if (a.subresource !== '') return no('nodes may not access the status subresource of PodCertificateRequests');
      if (a.verb === 'create') return ALLOW;
      if (a.verb === 'get') return relatedByName(node, 'podcertificaterequest', a);
      if (!isOneOf(a.verb, 'list', 'watch')) return no(`nodes may not ${a.verb} podcertificaterequests`);
      return selects(a, 'spec.nodeName', node)
        ? ALLOW
        : no('can only list/watch podcertificaterequests with nodeName field selector');
    },
  };
}

/** What a kubelet needs to know service accounts for. */
const READING_ACCOUNTS = ['KubeletServiceAccountTokenForCredentialProviders', 'PodCertificateRequest'] as const;

const lease: Rule = (node, { verb, namespace, name }) => {
  if (!isOneOf(verb, 'get', 'create', 'update', 'patch', 'delete'))
    return no('can only get, create, update, patch, or delete a node lease');
  if (namespace !== LEASE_NAMESPACE) return no(`can only access leases in the "${LEASE_NAMESPACE}" system namespace`);
  return verb === 'create' || name === node
    ? ALLOW
    : no('can only access node lease with the same name as the requesting node');
};

const csiNode: Rule = (node, { verb, subresource, name }) => {
  if (!isOneOf(verb, 'get', 'create', 'update', 'patch', 'delete'))
    return no('can only get, create, update, patch, or delete a CSINode');
  if (subresource !== '') return no('cannot authorize CSINode subresources');
  return verb === 'create' || name === node
    ? ALLOW
    : no('can only access CSINode with the same name as the requesting node');
};

/** By name, so that a kubelet can look for its node before it has made it. */
const ownNode: Rule = (node, { verb, subresource, name }) => {
  if (subresource === 'status') return isOneOf(verb, 'update', 'patch') ? ALLOW : NO_OPINION;
  if (subresource !== '') return NO_OPINION;
  if (isOneOf(verb, 'create', 'update', 'patch')) return ALLOW;
  if (!isOneOf(verb, 'get', 'list', 'watch')) return NO_OPINION;
  if (name === node) return ALLOW;
  const what = name === '' ? 'all nodes' : `'${name}'`;
  return no(`node '${node}' cannot read ${what}, only its own Node object`);
};

function selects({ fieldSelector }: Attributes, field: string, value: string): boolean {
  return fieldSelector?.requirements.some((r) => r.field === field && r.operator === '=' && r.value === value) ?? false;
}

function isOneOf(value: string, ...allowed: readonly string[]): boolean {
  return allowed.includes(value);
}

function no(reason: string): Decision {
  return { decision: 'no-opinion', reason };
}
