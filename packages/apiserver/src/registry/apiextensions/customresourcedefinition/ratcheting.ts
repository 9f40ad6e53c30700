/** What definitions of former versions may keep, and new ones may not have. */
import { Path } from '@keelson/api/field';
import type { CustomResourceDefinitionSpec, JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import type { Pieces } from '@keelson/api/pieces';
import { validateItems } from './listtypes.ts';
import { schemaHas } from './schema.ts';
import { type PatternCheck, unstructuralProblem, validateStructural } from './structural.ts';

type Spec = CustomResourceDefinitionSpec;

/** Whether each version must have a schema: not where one had none before. */
export function wantsSchemas(old: Spec | undefined): boolean {
  return !old || (old.versions ?? []).every(({ schema }) => schema?.openAPIV3Schema);
}

/**
 * Whether schemas must tell all types: not where nothing is pruned and they did not before, unless they hold something
 * that builds on it.
 */
export function* wantsStructural(spec: Spec, old: Spec | undefined, pattern: PatternCheck): Pieces<boolean> {
  if (!spec.preserveUnknownFields || !old) return true;
  if (schemasOf(spec).some((schema) => schemaHas(schema, (s) => s.default !== undefined || isExtended(s)))) return true;
  for (const schema of schemasOf(old)) {
    if (unstructuralProblem(schema) !== undefined) return false;
    const problems = yield* validateStructural(schema, Path.root, pattern);
    if (problems.length > 0) return false;
  }
  return true;
}

/** Whether items of sets and maps must have what tells them apart: not where some had not before. */
export function wantsKeys(old: Spec | undefined): boolean {
  const isFaulty = (schema: JSONSchemaProps) => validateItems(schema, Path.root).length > 0;
  return !old || !schemasOf(old).some((schema) => schemaHas(schema, isFaulty));
}

function schemasOf({ versions }: Spec): JSONSchemaProps[] {
  return (versions ?? []).flatMap(({ schema }) => schema?.openAPIV3Schema ?? []);
}

function isExtended(schema: JSONSchemaProps): boolean {
  return Boolean(
    schema['x-kubernetes-embedded-resource'] ||
      schema['x-kubernetes-preserve-unknown-fields'] !== undefined ||
      schema['x-kubernetes-int-or-string'] ||
      schema['x-kubernetes-list-map-keys']?.length ||
      schema['x-kubernetes-list-type'] !== undefined ||
      schema['x-kubernetes-validations']?.length,
  );
}
