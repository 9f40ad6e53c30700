/** What an APIService says, and where the one is that a path belongs to (kube-aggregator/pkg/apis/apiregistration/v1/helper). */
import { StatusError } from '@keelson/api/errors';
import type {
  APIService,
  APIServiceCondition,
  APIServiceStatus,
  ServiceReference,
} from '@keelson/api/generated/types/apiregistration/v1';
import type { KubeObject } from '@keelson/api/object';

/** The group of the APIServices themselves: it is always served here, and has none. */
export const REGISTRATION_GROUP = 'apiregistration.k8s.io';
const DEFAULT_PORT = 443;

/** `v1.apps`; `v1.` for the core group. */
export function apiServiceName(group: string, version: string): string {
  return `${version}.${group}`;
}

/** The name of the APIService that a path would be served by; undefined for paths that have none. */
export function apiServiceOfPath(path: string): string | undefined {
  const [, root, group, version] = path.split('/', 4);
  if (root === 'api') return apiServiceName('', 'v1');
  if (root !== 'apis' || !group || !version || group === REGISTRATION_GROUP) return undefined;
  return apiServiceName(group, version);
}

/** Where discovery of a group's version is. */
export function discoveryPath({ spec }: APIService): string {
  return spec.group ? `/apis/${spec.group}/${spec.version}` : `/api/${spec.version}`;
}

export function isAvailable(service: APIService): boolean {
  return service.status.conditions?.some(({ type, status }) => type === 'Available' && status === 'True') ?? false;
}

export interface Reference {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/** The service behind it; undefined: this server itself. */
export function referenceOf({ spec }: APIService): Reference | undefined {
  return spec.service && complete(spec.service);
}

function complete({ namespace = '', name = '', port = DEFAULT_PORT }: ServiceReference): Reference {
  return { namespace, name, port };
}

export const LOCAL: Omit<APIServiceCondition, 'lastTransitionTime'> = {
  type: 'Available',
  status: 'True',
  reason: 'Local',
  message: 'Local APIServices are always available',
};

/**
 * With the condition in the place of the one of its type. The time of transition changes with the status alone.
 * @returns undefined where nothing changes
 */
export function withCondition(
  status: APIServiceStatus,
  condition: Omit<APIServiceCondition, 'lastTransitionTime'>,
  now: string,
): APIServiceStatus | undefined {
  const conditions = status.conditions ?? [];
  const known = conditions.find(({ type }) => type === condition.type);
  if (!known) return { ...status, conditions: [...conditions, { ...condition, lastTransitionTime: now }] };
  const isSame = known.status === condition.status;
  if (isSame && known.reason === condition.reason && known.message === condition.message) return undefined;
  const time = isSame ? known.lastTransitionTime : now;
  const next = { ...condition, ...(time === undefined ? {} : { lastTransitionTime: time }) };
  return { ...status, conditions: conditions.map((each) => (each === known ? next : each)) };
}

/** Whether a write failed since somebody else was there meanwhile: the change comes by. */
export function isOvertaken(error: unknown): boolean {
  return error instanceof StatusError && OVERTAKEN.includes(error.reason);
}

const OVERTAKEN: readonly string[] = ['AlreadyExists', 'NotFound', 'Conflict'];

/** For the registry's client, which wants to know the kind. */
export function asObject(service: APIService): KubeObject {
  return { ...service, apiVersion: `${REGISTRATION_GROUP}/v1`, kind: 'APIService' } as unknown as KubeObject;
}
