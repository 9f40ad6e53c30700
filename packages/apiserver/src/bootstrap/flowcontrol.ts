/**
 * Flow schemas and priority levels that exist from the start
 * (k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap, pkg/registry/flowcontrol/ensurer). The mandatory ones are put right
 * always, the suggested ones unless an administrator has taken them over.
 */
import { isDeepStrictEqual } from 'node:util';
import type {
  FlowSchema,
  FlowSchemaSpec,
  PolicyRulesWithSubjects,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
  ResourcePolicyRule,
  Subject,
} from '@keelson/api/generated/types/flowcontrol/v1';
import type { TypedObject } from '@keelson/api/object';
import type { Write } from './reconcile.ts';

const AUTOUPDATE = 'apf.kubernetes.io/autoupdate-spec';
const API_VERSION = 'flowcontrol.apiserver.k8s.io/v1';
/** Who owns their fields. */
export const FLOW_CONTROL_MANAGER = 'api-priority-and-fairness-config-producer-v1';

const MANDATORY = new Set(['exempt', 'catch-all']);

const EVERYTHING: Pick<PolicyRulesWithSubjects, 'resourceRules' | 'nonResourceRules'> = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
};
const LEASES = { apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] };
const EVERYBODY = [group('system:unauthenticated'), group('system:authenticated')];
const SYSTEM_ACCOUNTS: Subject = { kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name: '*' } };

export const bootstrapPriorityLevels: readonly PriorityLevelConfiguration[] = [
  limited('system', 30, 33, { queues: 64, handSize: 6, queueLengthLimit: 50 }),
  limited('node-high', 40, 25, { queues: 64, handSize: 6, queueLengthLimit: 50 }),
  limited('leader-election', 10, 0, { queues: 16, handSize: 4, queueLengthLimit: 50 }),
  limited('workload-high', 40, 50, { queues: 128, handSize: 6, queueLengthLimit: 50 }),
  limited('workload-low', 100, 90, { queues: 128, handSize: 6, queueLengthLimit: 50 }),
  limited('global-default', 20, 50, { queues: 128, handSize: 6, queueLengthLimit: 50 }),
  limited('catch-all', 5, 0, undefined),
  level('exempt', { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } }),
];

export const bootstrapFlowSchemas: readonly FlowSchema[] = [
  schema('system-nodes', 'system', 500, 'ByUser', [group('system:nodes')]),
  schema(
    'system-node-high',
    'node-high',
    400,
    'ByUser',
    [group('system:nodes')],
    [
      { verbs: ['*'], apiGroups: [''], resources: ['nodes', 'nodes/status'], clusterScope: true, namespaces: ['*'] },
      { verbs: ['*'], ...LEASES },
    ],
  ),
  schema('probes', 'exempt', 2, undefined, EVERYBODY, [], ['/healthz', '/readyz', '/livez']),
  schema(
    'system-leader-election',
    'leader-election',
    100,
    'ByUser',
    [user('system:kube-controller-manager'), user('system:kube-scheduler'), SYSTEM_ACCOUNTS],
    [{ verbs: ['get', 'create', 'update'], ...LEASES }],
  ),
  schema('kube-controller-manager', 'workload-high', 800, 'ByNamespace', [user('system:kube-controller-manager')]),
  schema('kube-scheduler', 'workload-high', 800, 'ByNamespace', [user('system:kube-scheduler')]),
  schema('kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', [SYSTEM_ACCOUNTS]),
  schema('service-accounts', 'workload-low', 9000, 'ByUser', [group('system:serviceaccounts')]),
  schema('global-default', 'global-default', 9900, 'ByUser', EVERYBODY),
  schema('catch-all', 'catch-all', 10_000, 'ByUser', EVERYBODY),
  schema('exempt', 'exempt', 1, undefined, [group('system:masters')]),
];

type FlowControlObject = FlowSchema | PriorityLevelConfiguration;

/** What to write so that an object is as wanted; one that an administrator has changed is only marked as his. */
export function reconcileFlowControl<T extends FlowControlObject>(desired: T, live: T | undefined): Write<T>[] {
  if (!live) return [{ type: 'create', object: desired }];
  const marked = parseBool(live.metadata.annotations?.[AUTOUPDATE]);
  const automatic = MANDATORY.has(desired.metadata.name!) || (marked ?? live.metadata.generation === 1);
  const spec = automatic && !isDeepStrictEqual(live.spec, desired.spec) ? desired.spec : live.spec;
  if (spec === live.spec && marked === automatic) return [];
  const annotations = { ...live.metadata.annotations, [AUTOUPDATE]: String(automatic) };
  return [{ type: 'update', object: { ...live, metadata: { ...live.metadata, annotations }, spec } }];
}

/** Of an object that is not wanted any more: whether it was made by a server, and no administrator has taken it over. */
export function isLeftOver({ metadata }: TypedObject): boolean {
  return parseBool(metadata.annotations?.[AUTOUPDATE]) === true;
}

function level(name: string, spec: PriorityLevelConfigurationSpec): PriorityLevelConfiguration {
  return { kind: 'PriorityLevelConfiguration', apiVersion: API_VERSION, metadata: metadataOf(name), spec, status: {} };
}

/** Without queues what is too much is rejected. */
function limited(
  name: string,
  nominalConcurrencyShares: number,
  lendablePercent: number,
  queuing: QueuingConfiguration | undefined,
): PriorityLevelConfiguration {
  const limitResponse = queuing ? { type: 'Queue', queuing } : { type: 'Reject' };
  return level(name, { type: 'Limited', limited: { nominalConcurrencyShares, limitResponse, lendablePercent } });
}

/** Without rules of its own a schema is for all requests of its subjects. */
function schema(
  name: string,
  priorityLevel: string,
  matchingPrecedence: number,
  distinguisher: 'ByUser' | 'ByNamespace' | undefined,
  subjects: Subject[],
  resourceRules?: ResourcePolicyRule[],
  urls: string[] = [],
): FlowSchema {
  const own = {
    ...(resourceRules?.length ? { resourceRules } : {}),
    ...(urls.length ? { nonResourceRules: [{ verbs: ['get'], nonResourceURLs: urls }] } : {}),
  };
  const spec: FlowSchemaSpec = {
    priorityLevelConfiguration: { name: priorityLevel },
    matchingPrecedence,
    ...(distinguisher ? { distinguisherMethod: { type: distinguisher } } : {}),
    rules: [{ subjects, ...(resourceRules ? own : EVERYTHING) }],
  };
  return { kind: 'FlowSchema', apiVersion: API_VERSION, metadata: metadataOf(name), spec, status: {} };
}

function metadataOf(name: string): FlowSchema['metadata'] {
  return { name, annotations: { [AUTOUPDATE]: 'true' } };
}

function group(name: string): Subject {
  return { kind: 'Group', group: { name } };
}

function user(name: string): Subject {
  return { kind: 'User', user: { name } };
}

/** As Go reads it; undefined for anything else. */
function parseBool(text: string | undefined): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text ?? '')) return true;
  return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text ?? '') ? false : undefined;
}
