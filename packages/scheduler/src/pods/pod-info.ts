import type { ContainerPort, Pod } from '@keelson/api/generated/types/core/v1';
import { type NodePredicate, requiredNodeAffinity } from '@keelson/api/resources/node-selector';
import { isSidecar } from '@keelson/api/resources/pod';
import { declaredContainers } from '@keelson/api/resources/pod-parts';
import { type AffinityTerm, compileTerms, compileWeighted, type WeightedTerm } from './affinity-terms.ts';
import { type Amounts, hasPodLevelRequests, podRequests } from './requests.ts';
import { Resources } from './resources.ts';

/** What a container that says nothing is taken to need when nodes are compared: a tenth of a CPU, 200 MiB. */
const MISSING_REQUESTS: ReadonlyMap<string, number> = new Map([
  ['cpu', 100],
  ['memory', 200 * 1024 * 1024],
]);

/** A pod with what the scheduler needs of it, read and compiled once. Never changed: a changed pod gets another one. */
export class PodInfo {
  readonly pod: Pod;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** `namespace/name` */
  readonly key: string;
  readonly priority: number;
  #requests: Resources | undefined;
  #nonZero: Resources | undefined;
  #affinity: PodAffinities | undefined;
  #nodeAffinity: NodePredicate | undefined | null = null;
  #hostPorts: readonly ContainerPort[] | undefined;
  #claims: readonly string[] | undefined;
  #images: readonly string[] | undefined;

  constructor(pod: Pod) {
    this.pod = pod;
    const { uid = '', namespace = '', name = '' } = pod.metadata;
    this.uid = uid;
    this.namespace = namespace;
    this.name = name;
    this.key = `${namespace}/${name}`;
    this.priority = pod.spec.priority ?? 0;
  }

  /** The same pod with a node. */
  on(nodeName: string): PodInfo {
    const placed = new PodInfo({ ...this.pod, spec: { ...this.pod.spec, nodeName } });
    placed.#requests = this.#requests;
    placed.#nonZero = this.#nonZero;
    placed.#affinity = this.#affinity;
    placed.#hostPorts = this.#hostPorts;
    placed.#claims = this.#claims;
    placed.#images = this.#images;
    return placed;
  }

  get requests(): Resources {
    this.#requests ??= Resources.of(podRequests(this.pod));
    return this.#requests;
  }

  /** CPU and memory, where what containers do not ask for is made up. */
  get nonZeroRequests(): Resources {
    this.#nonZero ??= Resources.of(podRequests(this.pod, this.#missing()));
    return this.#nonZero;
  }

  /** What the pod as a whole asks for is not made up for its containers. */
  #missing(): Amounts {
    if (!hasPodLevelRequests(this.pod)) return new Map(MISSING_REQUESTS);
    const asked = podRequests(this.pod);
    return new Map([...MISSING_REQUESTS].filter(([resource]) => !asked.has(resource)));
  }

  /** Terms of affinity to other pods. @throws Error for selectors that make no sense, which validation does not let in */
  get affinity(): PodAffinities {
    this.#affinity ??= affinitiesOf(this.pod);
    return this.#affinity;
  }

  /** Node selector and required affinity; `undefined` when any node will do. */
  get nodeAffinity(): NodePredicate | undefined {
    if (this.#nodeAffinity === null) this.#nodeAffinity = requiredNodeAffinity(this.pod);
    return this.#nodeAffinity;
  }

  /** Ports of the node that containers and sidecars take. */
  get hostPorts(): readonly ContainerPort[] {
    this.#hostPorts ??= hostPortsOf(this.pod);
    return this.#hostPorts;
  }

  /** Keys of persistent volume claims that volumes name. */
  get claims(): readonly string[] {
    this.#claims ??= claimsOf(this.pod);
    return this.#claims;
  }

  /** Images of containers and volumes, with their tags. */
  get images(): readonly string[] {
    this.#images ??= imagesOf(this.pod);
    return this.#images;
  }

  get hasAffinity(): boolean {
    const { affinity } = this.pod.spec;
    return affinity?.podAffinity !== undefined || affinity?.podAntiAffinity !== undefined;
  }

  get hasRequiredAntiAffinity(): boolean {
    const required = this.pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    return required !== undefined && required.length > 0;
  }
}

export interface PodAffinities {
  readonly required: readonly AffinityTerm[];
  readonly requiredAnti: readonly AffinityTerm[];
  readonly preferred: readonly WeightedTerm[];
  readonly preferredAnti: readonly WeightedTerm[];
}

const NO_AFFINITIES: PodAffinities = { required: [], requiredAnti: [], preferred: [], preferredAnti: [] };

function affinitiesOf(pod: Pod): PodAffinities {
  const { podAffinity: to, podAntiAffinity: from } = pod.spec.affinity ?? {};
  if (!to && !from) return NO_AFFINITIES;
  return {
    required: compileTerms(pod, to?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAnti: compileTerms(pod, from?.requiredDuringSchedulingIgnoredDuringExecution),
    preferred: compileWeighted(pod, to?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAnti: compileWeighted(pod, from?.preferredDuringSchedulingIgnoredDuringExecution),
  };
}

const NO_PORTS: readonly ContainerPort[] = [];

function hostPortsOf({ spec }: Pod): readonly ContainerPort[] {
  let ports: ContainerPort[] | undefined;
  for (const container of [...(spec.initContainers?.filter(isSidecar) ?? []), ...(spec.containers ?? [])]) {
    for (const port of container.ports ?? []) {
      if ((port.hostPort ?? 0) <= 0) continue;
      ports ??= [];
      ports.push(port);
    }
  }
  return ports ?? NO_PORTS;
}

function claimsOf({ metadata, spec }: Pod): readonly string[] {
  const claims: string[] = [];
  for (const { persistentVolumeClaim: claim } of spec.volumes ?? []) {
    if (claim) claims.push(`${metadata.namespace}/${claim.claimName}`);
  }
  return claims;
}

function imagesOf({ spec }: Pod): readonly string[] {
  const containers = declaredContainers(spec);
  const images = containers.map(({ image = '' }) => image);
  for (const { image } of spec.volumes ?? []) if (image) images.push(image.reference ?? '');
  return images.map((image) => (image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image));
}
