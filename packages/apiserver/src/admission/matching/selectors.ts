/** By the labels of the object, and of its namespace (k8s.io/apiserver/pkg/admission/plugin/webhook/predicates). */
import { internalError, notFound, type StatusError } from '@keelson/api/errors';
import type { Namespace } from '@keelson/api/generated/types/core/v1';
import type { LabelSelector as LabelSelectorObject } from '@keelson/api/generated/types/meta/v1';
import type { KubeObject } from '@keelson/api/object';
import { type LabelSelector, selectorOfObject } from '@keelson/api/selectors/labels';
import type { Objects } from '../../objects.ts';
import type { AdmissionAttributes } from '../plugin.ts';

export interface Selectors {
  readonly namespace: LabelSelector | StatusError;
  readonly object: LabelSelector | StatusError;
}

/** A selector that can't be read is an error for whoever would be selected. */
export function selectorsOf(given: {
  readonly namespaceSelector?: LabelSelectorObject;
  readonly objectSelector?: LabelSelectorObject;
}): Selectors {
  return { namespace: parse(given.namespaceSelector), object: parse(given.objectSelector) };
}

function parse(selector: LabelSelectorObject | undefined): LabelSelector | StatusError {
  try {
    return selectorOfObject(selector);
  } catch (error) {
    return internalError((error as Error).message);
  }
}

/** From the cache, or, where it lags behind, from the store. @throws StatusError 404 */
export async function namespaceOf(objects: Objects, name: string): Promise<Namespace> {
  const found = (await objects.get('namespaces', '', name)) ?? (await objects.getLive('namespaces', '', name));
  if (!found) throw notFound({ group: '', resource: 'namespaces' }, name);
  return found;
}

/**
 * Whether the request is selected: its namespace, and its object as it is or as it was.
 * @param object in the form that the caller looks at
 * @throws StatusError for a selector that can't be read or a namespace that is not there, if all else is selected
 */
export async function selects(
  selectors: Selectors,
  asked: AdmissionAttributes,
  object: KubeObject | undefined,
  objects: Objects,
): Promise<boolean> {
  if (!(selectors.object instanceof Error) && !selectsObject(selectors.object, object, asked.oldObject)) return false;
  if (!(await selectsNamespace(selectors.namespace, asked, objects))) return false;
  if (selectors.object instanceof Error) throw selectors.object;
  return true;
}

/** What is in no namespace is selected, but for namespaces: they are by their own labels. */
async function selectsNamespace(
  selector: LabelSelector | StatusError,
  { resource, subresource, operation, namespace, object }: AdmissionAttributes,
  objects: Objects,
): Promise<boolean> {
  if (namespace === '' && resource.resource !== 'namespaces') return true;
  if (selector instanceof Error) throw selector;
  if (selector.empty) return true;
  const isItself = resource.resource === 'namespaces' && subresource === '';
  if (isItself && (operation === 'CREATE' || operation === 'UPDATE')) return selector.matches(labelsOf(object));
  return selector.matches((await namespaceOf(objects, namespace)).metadata.labels ?? {});
}

function selectsObject(selector: LabelSelector, ...objects: (KubeObject | undefined)[]): boolean {
  if (selector.empty) return true;
  return objects.some((o) => o?.metadata !== undefined && selector.matches(labelsOf(o)));
}

function labelsOf(object: KubeObject | undefined): Readonly<Record<string, string>> {
  return object?.metadata?.labels ?? {};
}
