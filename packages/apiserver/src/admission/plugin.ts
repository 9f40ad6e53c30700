/** What admission plugins see and may do (k8s.io/apiserver/pkg/admission/interfaces.go). */
import { forbidden, StatusError } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type { GroupVersionKind, GroupVersionResource, KubeObject, TypedObject } from '@keelson/api/object';
import { isPathSegmentName } from '@keelson/api/validation/names';
import type { Authorize } from '../authz/attributes.ts';
import type { IsEnabled } from '../gates.ts';
import type { Objects } from '../objects.ts';
import type { DeleteOptions, UserInfo } from '../registry/strategy.ts';
import type { WebhookWorld } from '../webhook/kubeconfig.ts';
import type { FormsOf } from './matching/forms.ts';
import type { Round } from './round.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface AdmissionAttributes {
  readonly operation: Operation;
  readonly kind: GroupVersionKind;
  readonly resource: GroupVersionResource;
  /** Empty for the resource itself. */
  readonly subresource: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  /** Empty where the server makes the name. */
  readonly name: string;
  /** In the storage version; what plugins that mutate change in place. Absent for deletions. */
  readonly object: KubeObject | undefined;
  /** The stored object, for updates and deletions. */
  readonly oldObject: KubeObject | undefined;
  readonly dryRun: boolean;
  readonly user: UserInfo;
  /** Of the request, `apps/v1`. */
  readonly apiVersion: string;
  readonly deleteOptions?: DeleteOptions;
  /** CreateOptions, UpdateOptions or DeleteOptions of meta.k8s.io/v1; undefined for CONNECT. */
  options(): object | undefined;
  /** Which time round mutating admission goes. */
  readonly round: Round;
  /** How long the client will still wait; infinite where there is no end. */
  msLeft(): number;
  /** A warning for the client. */
  warn(text: string): void;
  /** An annotation of the audit event. */
  annotate(key: string, value: string): void;
  /** The same where the event has the body of the request, which the value tells of. */
  annotateRequest(key: string, value: () => string): void;
}

export interface AdmissionPlugin {
  readonly name: string;
  /** Asked once for each combination; depends on nothing else. */
  handles(operation: Operation, resource: string, subresource: string): boolean;
  /** May change `object`. @throws StatusError */
  mutate?(attributes: AdmissionAttributes): Promise<void> | void;
  /** After the strategy's validation. @throws StatusError */
  validate?(attributes: AdmissionAttributes): Promise<void> | void;
}

/** What plugins know of the world. */
export interface AdmissionWorld {
  readonly objects: Objects;
  readonly authorize: Authorize;
  readonly isEnabled: IsEnabled;
  readonly now: () => Date;
  /** Five random characters for the end of a generated name. */
  readonly nameSuffix: () => string;
  readonly wait: (ms: number) => Promise<void>;
  /** Of plugins that ask somebody else. */
  readonly webhooks: WebhookWorld;
  /** On behalf of the server itself. @throws StatusError as the API would answer */
  readonly createNamespace: (name: string) => Promise<void>;
  /** What is served of a kind; empty where it is unknown. */
  readonly resourcesOfKind: (
    group: string,
    version: string,
    kind: string,
  ) => readonly { readonly resource: string; readonly namespaced: boolean }[];
  readonly formsOf: FormsOf;
  /** Writes only `status.used`. @throws StatusError 409 when the quota has changed since */
  readonly updateQuotaStatus: (quota: KubeObject) => Promise<KubeObject>;
}

/** The object as its kind; handles() has seen to it that it is one. */
export function objectOf<T extends TypedObject>({ object }: AdmissionAttributes): T {
  return object as TypedObject as T;
}

export function oldObjectOf<T extends TypedObject>({ oldObject }: AdmissionAttributes): T {
  return oldObject as TypedObject as T;
}

/** The refusal of a plugin, which names the object as far as it has a name. A refusal that is one is passed on. */
export function refuse(attributes: AdmissionAttributes, cause: string | Error): StatusError {
  if (cause instanceof StatusError && cause.code === 403) return cause;
  return forbidden(attributes.resource, nameOf(attributes), cause instanceof Error ? cause.message : cause);
}

function nameOf({ name, object }: AdmissionAttributes): string {
  return name || object?.metadata?.name || object?.metadata?.generateName || 'Unknown';
}

/** Whether it is about a namespace: its name is in `namespace`, too, though it is in none. */
export function isNamespace({ kind }: Pick<AdmissionAttributes, 'kind'>): boolean {
  return kind.group === '' && kind.kind === 'Namespace';
}

/** `resource`, or `resource.group`: how handles() names it. */
export function resourceKey({ group, resource }: { readonly group: string; readonly resource: string }): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** For plugins that look at some operations on one resource without its subresources. */
export function on(
  resources: string | readonly string[],
  operations: readonly Operation[],
): (operation: Operation, resource: string, subresource: string) => boolean {
  const wanted = new Set(typeof resources === 'string' ? [resources] : resources);
  return (operation, resource, subresource) =>
    subresource === '' && wanted.has(resource) && operations.includes(operation);
}

/** Why the API could not even be asked for an object of this name: what upstream's client says of it. */
export function unaskable(name: string): string | undefined {
  const problems = isPathSegmentName(name);
  return problems.length === 0 ? undefined : `invalid resource name ${quote(name)}: [${problems.join(' ')}]`;
}
