/** What is owned, found by its owner without going over everything (pkg/controller/controller_utils.go, PodControllerIndex). */
import type { TypedObject } from '@keelson/api/object';
import { controllerOf, type IndexFunction, type Lister, storeKey } from '@keelson/client';

const INDEX = 'controller';
const byController: IndexFunction<TypedObject> = (object) => [
  controllerOf(object)?.uid ?? `orphans of ${object.metadata.namespace ?? ''}`,
];

interface Indexable {
  addIndex(name: string, values: IndexFunction<TypedObject>): void;
}

/** Lets `ownedBy` and `orphansIn` find what an informer has. Asking again does no harm. */
export function indexByController(informer: Indexable): void {
  informer.addIndex(INDEX, byController);
}

/** What `owner` controls. */
export function ownedBy<T extends TypedObject>(store: Lister<T>, owner: TypedObject): T[] {
  return store.byIndex(INDEX, owner.metadata.uid!);
}

/** What nobody controls in the namespace. */
export function orphansIn<T extends TypedObject>(store: Lister<T>, namespace: string): T[] {
  return store.byIndex(INDEX, `orphans of ${namespace}`);
}

/** The owner of this kind in the copy, if it is still the one that the object means. */
export function resolveOwner<T extends TypedObject>(
  store: Lister<T>,
  kind: string,
  object: TypedObject,
): T | undefined {
  const reference = controllerOf(object);
  if (reference?.kind !== kind) return undefined;
  const { namespace } = object.metadata;
  const owner = store.get(storeKey({ metadata: { namespace: namespace!, name: reference.name } }));
  return owner?.metadata.uid === reference.uid ? owner : undefined;
}
