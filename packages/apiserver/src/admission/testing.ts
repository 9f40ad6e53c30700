/** A world in memory, for the tests of plugins. */
import { ManualClock } from '@keelson/api/clock';
import { conflict, type StatusError } from '@keelson/api/errors';
import type { Namespace, Pod, ServiceAccount } from '@keelson/api/generated/types/core/v1';
import type { KubeObject, TypedObject } from '@keelson/api/object';
import type { Authorize } from '../authz/attributes.ts';
import { CustomForm } from '../crd/form.ts';
import { customSchema } from '../crd/schema/index.ts';
import { type IsEnabled, isEnabledByDefault } from '../gates.ts';
import type { ObjectResource, Objects, ObjectTypes } from '../objects.ts';
import type { AdmissionAttributes, AdmissionWorld, Operation } from './plugin.ts';
import { Round } from './round.ts';

export class FakeObjects implements Objects {
  readonly #byResource = new Map<string, TypedObject[]>();

  put<R extends ObjectResource>(resource: R, object: Given<ObjectTypes[R]>): this {
    const typed = object as TypedObject;
    const others = (this.#byResource.get(resource) ?? []).filter((o) => !sameName(o, typed));
    this.#byResource.set(resource, [...others, typed]);
    return this;
  }
  async get<R extends ObjectResource>(
    resource: R,
    namespace: string,
    name: string,
  ): Promise<ObjectTypes[R] | undefined> {
    const wanted = { metadata: { name, namespace } };
    return this.#byResource.get(resource)?.find((o) => sameName(o, wanted)) as ObjectTypes[R] | undefined;
  }
  async getLive<R extends ObjectResource>(
    resource: R,
    namespace: string,
    name: string,
  ): Promise<ObjectTypes[R] | undefined> {
    return this.get(resource, namespace, name);
  }
  async list<R extends ObjectResource>(resource: R, namespace: string): Promise<readonly ObjectTypes[R][]> {
    const all = this.#byResource.get(resource) ?? [];
    return all.filter((o) => namespace === '' || o.metadata.namespace === namespace) as ObjectTypes[R][];
  }
}

/** As much of an object as a test cares about. */
export type Given<T> = T extends (infer E)[] ? Given<E>[] : T extends object ? { [K in keyof T]?: Given<T[K]> } : T;

export interface FakeWorld extends AdmissionWorld {
  readonly objects: FakeObjects;
  /** Namespaces that were made. */
  readonly created: string[];
  /** Quota statuses that were written. */
  readonly quotas: KubeObject[];
  readonly waited: number[];
}

/** Everybody may do everything unless `authorize` says otherwise. @param isEnabled default: as gates are by default */
export function fakeWorld(
  authorize: Authorize = () => ({ decision: 'allow', reason: '' }),
  isEnabled: IsEnabled = isEnabledByDefault,
): FakeWorld {
  const objects = new FakeObjects();
  const created: string[] = [];
  const quotas: KubeObject[] = [];
  const waited: number[] = [];
  let revision = 1;
  objects.put('namespaces', active('ns'));
  objects.put('serviceaccounts', account('default'));
  return {
    objects,
    created,
    quotas,
    waited,
    authorize,
    isEnabled,
    now: () => new Date('2026-01-02T03:04:05Z'),
    nameSuffix: () => 'abcde',
    wait: async (ms) => {
      waited.push(ms);
    },
    webhooks: { clock: new ManualClock(0), random: () => 0 },
    createNamespace: async (name) => {
      created.push(name);
    },
    resourcesOfKind: (group, _, kind) => {
      if (group === 'apps' && kind === 'ReplicaSet') return [{ resource: 'replicasets', namespaced: true }];
      return group === '' && kind === 'Node' ? [{ resource: 'nodes', namespaced: false }] : [];
    },
    formsOf: (resource) => {
      const kind = { group: resource.group, version: resource.version, kind: 'Thing' };
      const same = (object: KubeObject): KubeObject => object;
      const decode = (document: object): KubeObject => document as KubeObject;
      const form = new CustomForm(kind.group, kind.kind, customSchema(undefined, { kind, namespaced: true }));
      return {
        own: { resource, kind, form, read: same, write: same, decode },
        equivalents: [],
      };
    },
    updateQuotaStatus: async (quota) => {
      const { name = '', namespace = '' } = quota.metadata;
      const stored = await objects.get('resourcequotas', namespace, name);
      if (stored?.metadata.resourceVersion !== quota.metadata.resourceVersion) throw outdated(name);
      const next = { ...quota, metadata: { ...quota.metadata, resourceVersion: String(++revision) } };
      objects.put('resourcequotas', next as Given<ObjectTypes['resourcequotas']>);
      quotas.push(next);
      return next;
    },
  };
}

function outdated(name: string): StatusError {
  return conflict({ group: '', resource: 'resourcequotas' }, name, 'the object has been modified');
}

export function active(name: string, metadata: Namespace['metadata'] = {}): Given<Namespace> {
  return { metadata: { ...metadata, name }, status: { phase: 'Active' } };
}

export function account(name: string, more: Given<ServiceAccount> = {}): Given<ServiceAccount> {
  return { ...more, metadata: { name, namespace: 'ns', ...more.metadata } };
}

export interface FakeAttributes extends AdmissionAttributes {
  readonly warnings: string[];
  readonly annotations: Record<string, string>;
}

/** A request by alice, in the namespace ns unless said otherwise. @param resource `resource` or `resource.group` */
export function request(
  operation: Operation,
  resource: string,
  object: object | undefined,
  more: Partial<AdmissionAttributes> = {},
): FakeAttributes {
  const [plural, ...group] = resource.split('.');
  const given = object as KubeObject | undefined;
  const warnings: string[] = [];
  const annotations: Record<string, string> = {};
  return {
    operation,
    kind: { group: group.join('.'), version: 'v1', kind: given?.kind ?? 'Thing' },
    resource: { group: group.join('.'), version: 'v1', resource: plural! },
    subresource: '',
    namespace: 'ns',
    name: given?.metadata?.name ?? '',
    object: given,
    oldObject: undefined,
    dryRun: false,
    msLeft: () => Number.POSITIVE_INFINITY,
    user: { name: 'alice', uid: '', groups: ['devs'], extra: {} },
    apiVersion: 'v1',
    options: () => undefined,
    round: new Round(),
    warnings,
    annotations,
    warn: (text) => warnings.push(text),
    annotate: (key, value) => {
      annotations[key] = value;
    },
    annotateRequest: (key, value) => {
      annotations[key] = value();
    },
    ...more,
  };
}

/** A pod with one container, changed as the test wants. */
export function pod(spec: Given<Pod['spec']> = {}, metadata: Pod['metadata'] = {}): Pod {
  return {
    metadata: { name: 'p', namespace: 'ns', ...metadata },
    spec: { containers: [{ name: 'c', image: 'i', resources: {} }], ...spec },
    status: {},
  } as Pod;
}

function sameName(a: TypedObject, b: TypedObject): boolean {
  return (a.metadata.namespace ?? '') === (b.metadata.namespace ?? '') && a.metadata.name === b.metadata.name;
}
