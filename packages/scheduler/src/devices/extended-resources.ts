/**
 * Extended resources that a device class stands behind: a pod asks for them as for any other, and on nodes that do not have
 * them by themselves gets a claim for devices instead (pkg/scheduler/framework/plugins/dynamicresources).
 */
import type { Container, ContainerExtendedResourceRequest, Pod } from '@keelson/api/generated/types/core/v1';
import type { DeviceClass, DeviceRequest, ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { isExtendedResource } from '@keelson/api/resources/names';
import { isSidecar } from '@keelson/api/resources/pod';
import { type Draft, isControlledBy, type Lister } from '@keelson/client';
import type { IndexedLister } from '../framework/plugin.ts';
import type { IsEnabled } from '../gates.ts';
import { amountsOf } from '../pods/requests.ts';
import type { Resources } from '../pods/resources.ts';

/** Before the name of a class: its devices, whether the class names a resource or not. */
const OF_CLASS = 'deviceclass.resource.kubernetes.io/';
const ANNOTATION = 'resource.kubernetes.io/extended-resource-claim';
/** Of a claim that is not written yet; no claim can have it. */
const UNWRITTEN = '<extended-resources>';

/** Device classes that can be found by the resource that they name. */
export type IndexedClasses = Pick<Lister<DeviceClass>, 'get' | 'byIndex'>;

const BY_RESOURCE = 'extendedResourceName';
const namesOf = ({ spec }: DeviceClass) => [spec.extendedResourceName ?? []].flat();

const NONE: IndexedClasses = { get: () => undefined, byIndex: () => [] };

/** Whoever looks for classes by resource begins with this; none stands behind one without the gate `DRAExtendedResource`. */
export function byResource(classes: IndexedLister<DeviceClass>, isEnabled: IsEnabled): IndexedClasses {
  if (!isEnabled('DRAExtendedResource')) return NONE;
  classes.addIndex(BY_RESOURCE, namesOf);
  return classes;
}

/** By resource: the class that stands behind it. */
export type DeviceResources = ReadonlyMap<string, DeviceClass>;

/** Whether devices may stand behind it. */
export function isOfDevices(resource: string): boolean {
  return resource.startsWith(OF_CLASS) || isExtendedResource(resource);
}

/** Of several classes that name the resource the newest one, and of those the first by name. */
export function classOf(resource: string, classes: IndexedClasses): DeviceClass | undefined {
  if (resource.startsWith(OF_CLASS)) return classes.get(resource.slice(OF_CLASS.length));
  let found: DeviceClass | undefined;
  for (const each of classes.byIndex(BY_RESOURCE, resource)) if (!found || isPreferred(each, found)) found = each;
  return found;
}

function isPreferred({ metadata: a }: DeviceClass, { metadata: b }: DeviceClass): boolean {
  const [ours, theirs] = [a.creationTimestamp ?? '', b.creationTimestamp ?? ''];
  return ours === theirs ? a.name! < b.name! : ours > theirs;
}

/** What of the resources that are asked for devices may stand for; `undefined` when nothing. */
export function deviceResources({ scalars }: Resources, classes: IndexedClasses): DeviceResources | undefined {
  let found: Map<string, DeviceClass> | undefined;
  for (const [resource, amount] of scalars ?? []) {
    const behind = amount > 0 ? classOf(resource, classes) : undefined;
    if (behind) found = (found ?? new Map()).set(resource, behind);
  }
  return found;
}

/** Whether a change of a class is about one of the resources. */
export function classConcerns({ scalars }: Resources, old: DeviceClass | undefined, now: DeviceClass): boolean {
  const { extendedResourceName } = now.spec;
  if (!old && scalars?.has(`${OF_CLASS}${now.metadata.name}`)) return true;
  if (old && (old.spec.extendedResourceName ?? '') === (extendedResourceName ?? '')) return false;
  return extendedResourceName !== undefined && (scalars?.has(extendedResourceName) ?? false);
}

/** The claim that the pod has got for its extended resources when it was tried before. */
export function claimLeftOver(pod: Pod, claims: Iterable<ResourceClaim>): ResourceClaim | undefined {
  for (const claim of claims) {
    if (claim.metadata.annotations?.[ANNOTATION] === 'true' && isControlledBy(claim, pod)) return claim;
  }
  return undefined;
}

/** The claim as it is to be, without a name of its own and without requests. @param uid stands for it until it is written */
export function unwrittenClaim({ metadata }: Pod, uid: string): ResourceClaim {
  const { namespace, name, uid: owner } = metadata;
  return {
    metadata: {
      namespace,
      name: UNWRITTEN,
      uid,
      generateName: `${name}-extended-resources-`,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: name!, uid: owner!, controller: true }],
      annotations: { [ANNOTATION]: 'true' },
    },
    spec: { devices: { requests: [] } },
    status: {},
  };
}

/** As it is sent. */
export function toWrite({ metadata, spec }: ResourceClaim): Draft<ResourceClaim> {
  const { name: _, uid: __, ...kept } = metadata;
  return { metadata: kept, spec };
}

export interface DeviceRequests {
  /** By name. */
  readonly requests: DeviceRequest[];
  /** Which containers have which requests. */
  readonly mappings: ContainerExtendedResourceRequest[];
}

/**
 * One request for each container and resource. Init containers that end use what containers after them hold later; where
 * that is not enough, they have one request together, as large as the largest of them needs.
 *
 * @param resources those that devices stand for on a node
 */
export function requestsFor({ spec }: Pod, resources: DeviceResources): DeviceRequests {
  const inits = spec.initContainers ?? [];
  const containers = [...inits, ...(spec.containers ?? [])];
  const ends = containers.map((each, i) => i < inits.length && !isSidecar(each));
  const requests: DeviceRequest[] = [];
  const mappings: ContainerExtendedResourceRequest[] = [];
  for (const [resource, { metadata }] of [...resources].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const wanted = (i: number) => wantedBy(containers[i]!, i, resource, metadata.name!);
    const lasting = containers.map((_, i) => (ends[i] ? undefined : wanted(i)));
    const shared: ContainerExtendedResourceRequest[] = [];
    let largest: DeviceRequest | undefined;
    const own = new Set<ContainerExtendedResourceRequest>();
    for (const [i, { name: containerName }] of containers.entries()) {
      const request = wanted(i);
      if (!request) continue;
      const mapping = ({ name }: DeviceRequest) => ({ containerName, resourceName: resource, requestName: name });
      if (!ends[i]) {
        mappings.push(mapping(request));
        continue;
      }
      let missing = request.exactly!.count!;
      for (const later of lasting.slice(i)) {
        if (!later || missing <= 0) continue;
        missing -= later.exactly!.count!;
        shared.push(mapping(later));
      }
      if (missing <= 0) continue;
      const rest = { ...request, exactly: { ...request.exactly!, count: missing } };
      if (!largest || missing > largest.exactly!.count!) largest = rest;
      const mine = mapping(rest);
      own.add(mine);
      shared.push(mine);
    }
    if (largest) requests.push(largest);
    for (const each of lasting) if (each) requests.push(each);
    mappings.push(...shared.map((each) => (own.has(each) ? { ...each, requestName: largest!.name } : each)));
  }
  return { requests: requests.sort((a, b) => (a.name < b.name ? -1 : 1)), mappings };
}

function wantedBy({ resources }: Container, i: number, resource: string, className: string): DeviceRequest | undefined {
  const count = amountsOf(resources?.requests).get(resource) ?? 0;
  if (count === 0) return undefined;
  const place = Object.keys(resources!.requests!).sort().indexOf(resource);
  const exactly = { deviceClassName: className, allocationMode: 'ExactCount', count } as const;
  return { name: `container-${i}-request-${place}`, exactly };
}
