/** What an APIService says, and where the one is that a path belongs to (kube-aggregator/pkg/apis/apiregistration/v1/helper). */
import { hasReason } from '@keelson/api/errors';
import type {
  APIService,
  APIServiceCondition,
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

/** Whether a write failed since somebody else was there meanwhile: the change comes by. */
export function isOvertaken(error: unknown): boolean {
  return hasReason(error, 'AlreadyExists', 'NotFound', 'Conflict');
}

/** For the registry's client, which wants to know the kind. */
export function asObject(service: APIService): KubeObject {
  return { ...service, apiVersion: `${REGISTRATION_GROUP}/v1`, kind: 'APIService' } as unknown as KubeObject;
}
