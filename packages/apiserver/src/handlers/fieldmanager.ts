/** The manager of managedFields for a resource in a version, and for each of its subresources. */
import { FieldManager } from '@keelson/api/apply/fieldmanager';
import { plainError } from '@keelson/api/patch/errors';
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
      convert: (object, apiVersion) => {
        const from = definition.versions.get(String(object.apiVersion)) ?? served;
        const to = definition.versions.get(apiVersion) ?? served;
        if (from === to) return object;
        // In canonical form, since conversion looks for what a part of an object may not have.
        const converted = fromStorage(to, toStorage(from, from.form.normalize(object)));
        // Versions of custom resources have stores of their own, between which there is only the name.
        converted.apiVersion = apiVersion;
        return converted;
      },
    },
  });
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
