/** Kinds whose objects are found out when somebody asks for them, and never stored. */
import { methodNotSupported, notFound, qualified } from '@keelson/api/errors';
import type { KubeObject, TypedObject } from '@keelson/api/object';
import type { CachedObject } from '../registry/cached-objects.ts';
import { keyOf } from '../registry/resource.ts';
import type { Verb } from '../router.ts';
import { listOptions } from './options.ts';
import { representationFor } from './representations.ts';
import type { Scope } from './scope.ts';
import { selectionOf } from './selection.ts';
import { sendChunks, sendWhole } from './send.ts';

export interface ComputedKind {
  /** All there are, without a resourceVersion. */
  objects(): Promise<readonly TypedObject[]>;
}

/** By `resource.group`. */
export type ComputedKinds = Readonly<Record<string, ComputedKind>>;

/** Undefined for kinds that are stored. */
export function serveComputed(scope: Scope, verb: Verb, kinds: ComputedKinds): Promise<void> | undefined {
  const kind = kinds[qualified(scope.served.definition)];
  if (!kind) return undefined;
  return verb === 'get' ? getOne(scope, kind) : list(scope, kind);
}

/** @throws StatusError 404, which names the kind in the singular */
async function getOne(scope: Scope, kind: ComputedKind): Promise<void> {
  const { ctx, served } = scope;
  const found = (await kind.objects()).find(({ metadata }) => metadata.name === ctx.info.name);
  if (!found) throw notFound({ group: served.definition.group, resource: served.definition.singular }, ctx.info.name);
  const representation = representationFor(scope, 'object');
  await sendWhole(
    ctx,
    200,
    { 'content-type': representation.contentType },
    representation.cached(cached(scope, found)),
  );
}

/** @throws StatusError 400 for selectors that can't be read, 405 for a watch */
async function list(scope: Scope, kind: ComputedKind): Promise<void> {
  const { ctx, served } = scope;
  const options = listOptions(scope);
  if (options.watch) throw methodNotSupported(served.definition, 'watch');
  const selection = selectionOf(scope, options);
  const items = (await kind.objects()).map((object) => cached(scope, object)).filter((o) => selection.matches(o));
  const representation = representationFor(scope, 'list');
  await sendChunks(
    ctx,
    200,
    { 'content-type': representation.contentType },
    { write: (out) => representation.list(items, {}, out), estimate: 0 },
  );
}

function cached({ store, served }: Scope, object: TypedObject): CachedObject {
  const key = keyOf(served.definition, object.metadata.namespace ?? '', object.metadata.name ?? '');
  const { bytes: value } = store.codec.encode(object as TypedObject as KubeObject);
  return store.codec.cached({ key, value, createRevision: 0, modRevision: 0, version: 0 });
}
