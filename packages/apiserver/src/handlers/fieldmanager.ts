/** The manager of managedFields for a resource in a version, and for each of its subresources. */
import { FieldManager } from '@keelson/api/apply/fieldmanager';
import { applySchemaOf } from '@keelson/api/apply/schema';
import { withoutEmpties } from '@keelson/api/codec/empties';
import { normalize } from '@keelson/api/codec/json';
import type { KubeObject } from '@keelson/api/object';
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

function build(served: ServedResource, subresource: string): FieldManager {
  const { definition, version, type } = served;
  const { strategy, subresources } = definition.registration;
  const resetFields = subresource === '' ? strategy.resetFields : subresources?.[subresource]?.strategy.resetFields;
  return new FieldManager({
    kind: { group: definition.group, version, kind: definition.kind },
    empty: normalize({}, type!) as Record<string, unknown>,
    subresource,
    canonical: (object) => withoutEmpties(object, type!),
    ...(resetFields ? { resetFields } : {}),
    versions: {
      schema: (apiVersion) => {
        const inVersion = definition.versions.get(apiVersion)?.type;
        return inVersion && applySchemaOf(inVersion);
      },
      convert: (object, apiVersion) => {
        const from = definition.versions.get(String(object.apiVersion)) ?? served;
        const to = definition.versions.get(apiVersion) ?? served;
        return from === to ? object : fromStorage(to, toStorage(from, structuredClone(object) as KubeObject));
      },
    },
  });
}

/** For a kind that is not stored, whose fields are owned in the answer alone. */
export function fieldManagerOfBody({ group, version, kind, type }: Expected, subresource: string): FieldManager {
  return new FieldManager({
    kind: { group, version, kind },
    empty: normalize({}, type) as Record<string, unknown>,
    subresource,
    versions: { schema: () => applySchemaOf(type), convert: (object) => object },
  });
}
