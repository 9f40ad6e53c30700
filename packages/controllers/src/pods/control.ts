/** Pods as controllers create and delete them, with the events that tell of it (pkg/controller RealPodControl). */
import { StatusError } from '@keelson/api/errors';
import type { Pod, PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import type { GroupVersionKind, TypedObject } from '@keelson/api/object';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import {
  adoptionPatch,
  type Client,
  claim,
  controllerReference,
  type Draft,
  type EventRecorder,
  hasReason,
  keyOf,
  type ObjectKey,
  type ResourceClient,
  releasePatch,
} from '@keelson/client';

/** What a pod gets besides what its template says. */
export interface Extras {
  readonly generateName?: string;
  readonly name?: string;
}

export class PodControl {
  readonly #pods: ResourceClient<Pod>;
  readonly #recorder: EventRecorder;
  readonly #kind: GroupVersionKind;

  /** @param kind of the owners */
  constructor(client: Client, recorder: EventRecorder, kind: GroupVersionKind) {
    this.#pods = client.resource('pods');
    this.#recorder = recorder;
    this.#kind = kind;
  }

  /** @throws Error, StatusError; also told as the event FailedCreate, unless the namespace is going */
  async create(template: PodTemplateSpec, owner: TypedObject, extras: Extras = {}): Promise<Pod> {
    const pod = podOf(template, owner, this.#kind, extras);
    if (Object.keys(pod.metadata?.labels ?? {}).length === 0) throw new Error('unable to create pods, no labels');
    try {
      const created = await this.#pods.create(pod);
      this.#recorder.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
      return created;
    } catch (error) {
      if (!isNamespaceTerminating(error)) {
        this.#recorder.event(owner, 'Warning', 'FailedCreate', `Error creating: ${(error as Error).message}`);
      }
      throw error;
    }
  }

  /** @throws StatusError as it came where the pod is gone; else also told as the event FailedDelete */
  async delete(pod: ObjectKey, owner: TypedObject): Promise<void> {
    try {
      await this.#pods.delete(pod);
    } catch (error) {
      if (hasReason(error, 'NotFound')) throw error;
      this.#recorder.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${(error as Error).message}`);
      throw new Error(`unable to delete pods: ${(error as Error).message}`, { cause: error });
    }
    this.#recorder.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.name}`);
  }

  /** A strategic merge patch. */
  patch(pod: ObjectKey, patch: object): Promise<Pod> {
    return this.#pods.patch(pod, 'strategic', patch);
  }

  /**
   * Adopts and releases pods.
   * @param fresh reads the owner from the server: it alone says whether an owner still may adopt
   * @param finalizers come with adoption and go with release
   * @throws AggregateError
   */
  claim(
    pods: readonly Pod[],
    owner: TypedObject,
    wants: (pod: Pod) => boolean,
    fresh: () => Promise<TypedObject>,
    finalizers: readonly string[] = [],
  ): Promise<Pod[]> {
    return claim(pods, {
      owner,
      wants,
      mayAdopt: () => mayAdopt(owner, this.#kind.kind, fresh),
      adopt: (pod) => this.patch(keyOf(pod), adoptionPatch(pod, owner, this.#kind, finalizers)),
      release: (pod) => this.patch(keyOf(pod), releasePatch(pod, owner, finalizers)),
    });
  }
}

/** @throws Error when the owner is gone, was replaced, or is being deleted, as the server sees it (RecheckDeletionTimestamp) */
export async function mayAdopt(owner: TypedObject, kind: string, fresh: () => Promise<TypedObject>): Promise<void> {
  const { metadata } = await fresh();
  const { namespace, name, uid } = owner.metadata;
  if (metadata.uid !== uid) {
    throw new Error(`original ${kind} ${namespace}/${name} is gone: got uid ${metadata.uid}, wanted ${uid}`);
  }
  if (metadata.deletionTimestamp) {
    throw new Error(`${namespace}/${name} has just been deleted at ${metadata.deletionTimestamp}`);
  }
}

/** Nothing new comes into a namespace that is being deleted: no failure, and no use to try again. */
export function isNamespaceTerminating(error: unknown): boolean {
  if (!(error instanceof StatusError)) return false;
  return error.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false;
}

/** The pod that a template describes (GetPodFromTemplate). */
export function podOf(
  template: PodTemplateSpec,
  owner: TypedObject,
  kind: GroupVersionKind,
  { name, generateName = prefixOf(owner.metadata.name!) }: Extras = {},
): Draft<Pod> {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const { namespace } = owner.metadata;
  const named = name === undefined ? { generateName } : { name };
  const ownerReferences = [controllerReference(owner, kind)];
  return {
    metadata: {
      ...named,
      namespace: namespace!,
      labels: labels ?? {},
      annotations: annotations ?? {},
      finalizers: finalizers ?? [],
      ownerReferences,
    },
    spec: template.spec,
  };
}

/** `web-`, where that may begin a name. */
function prefixOf(owner: string): string {
  const prefix = `${owner}-`;
  return nameIsDNSSubdomain(prefix, true).length === 0 ? prefix : owner;
}
