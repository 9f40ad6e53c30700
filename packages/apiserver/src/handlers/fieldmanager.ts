/** The manager of managedFields for a resource in a version, and for each of its subresources. */
import { FieldManager } from '@keelson/api/apply/fieldmanager';
import type { Versions } from '@keelson/api/apply/owners';
import { encodeJson } from '@keelson/api/codec/json';
import type { KubeObject } from '@keelson/api/object';
import { plainError } from '@keelson/api/patch/errors';
import type { JsonObject } from '@keelson/api/patch/value';
import type { Pieces } from '@keelson/api/pieces';
import { workOn } from '../pieces.ts';
import { fromStorage, toStorage } from '../registry/conversion.ts';
import type { ServedResource } from '../registry/resource.ts';
import type { Expected } from './decode.ts';

const managers = new WeakMap<ServedResource, Map<string, FieldManager>>();

/** @param subresource '' for the object itself */
export function fieldManagerOf(served: ServedResource, subresource: string): FieldManager {
  const known = managers.get(served) ?? new Map<string, FieldManager>();
  managers.set(served, known);
  let manager = known.get(subresource);
  if (!manager) {
    manager = build(served, subresource);
    known.set(subresource, manager);
  }
  return manager;
}

/**
 * A write by the manager of `served`. Where a webhook converts between versions it is asked for what the write wants to see in
 * another version, and the write is done again with that: it has no effects of its own.
 * @param size of the object, in bytes
 * @throws StatusError of the webhook, besides what `write` throws
 */
export async function manageFields<T>(
  served: ServedResource,
  subresource: string,
  size: number,
  write: (fields: FieldManager) => Pieces<T>,
): Promise<T> {
  const { convert, isReshaped } = served;
  if (!convert || !isReshaped) return workOn(size, write(fieldManagerOf(served, subresource)));
  const known = new Map<string, KubeObject>();
  const fields = build(served, subresource, (object, apiVersion) => {
    const key = `${apiVersion} ${encodeJson(object)}`;
    const converted = known.get(key);
    if (!converted) throw new Unconverted(key, object, apiVersion);
    return converted;
  });
  for (;;) {
    try {
      return await workOn(size, write(fields));
    } catch (error) {
      if (!(error instanceof Unconverted)) throw error;
      known.set(error.key, await convert(error.object as KubeObject, error.apiVersion));
    }
  }
}

/** A write cannot go on without an object in another version. */
class Unconverted extends Error {
  readonly key: string;
  readonly object: JsonObject;
  readonly apiVersion: string;

  constructor(key: string, object: JsonObject, apiVersion: string) {
    super(`not converted to ${apiVersion}`);
    this.key = key;
    this.object = object;
    this.apiVersion = apiVersion;
  }
}

function build(
  served: ServedResource,
  subresource: string,
  convert: Versions['convert'] = (object, apiVersion) => renamed(served, object, apiVersion),
): FieldManager {
  const { definition, version, form } = served;
  const { strategy, subresources } = definition.registration;
  const resetFields = subresource === '' ? strategy.resetFields : subresources?.[subresource]?.strategy.resetFields;
  return new FieldManager({
    kind: { group: definition.group, version, kind: definition.kind },
    empty: form.empty,
    isUntyped: form.type === undefined,
    subresource,
    canonical: (object) => form.withoutEmpties(object),
    ...(resetFields ? { resetFields } : {}),
    versions: {
      schema: (apiVersion) => {
        const known = definition.versions.get(apiVersion)?.form.apply;
        // Built-in kinds may have lost a version. Custom ones are converted by their definition, which has to have it.
        if (!known && !form.type) throw plainError(`request to convert CR to an invalid group/version: ${apiVersion}`);
        return known;
      },
      convert,
    },
  });
}

/** Through the form that is stored; between versions of custom resources there is only the name. */
function renamed(served: ServedResource, object: JsonObject, apiVersion: string): JsonObject {
  const { versions } = served.definition;
  const from = versions.get(String(object.apiVersion)) ?? served;
  const to = versions.get(apiVersion) ?? served;
  if (from === to) return object;
  // In canonical form, since conversion looks for what a part of an object may not have.
  const converted = fromStorage(to, toStorage(from, from.form.normalize(object)));
  converted.apiVersion = apiVersion;
  return converted;
}

/** For a kind that is not stored, whose fields are owned in the answer alone. */
export function fieldManagerOfBody({ group, version, kind, form }: Expected, subresource: string): FieldManager {
  return new FieldManager({
    kind: { group, version, kind },
    empty: form.empty,
    subresource,
    versions: { schema: () => form.apply, convert: (object) => object },
  });
}
