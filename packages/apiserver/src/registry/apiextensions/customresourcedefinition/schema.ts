import type { ErrorList, Path } from '@keelson/api/field';
import type { CustomResourceDefinitionSpec, JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import type { Pieces } from '@keelson/api/pieces';

export interface SchemaContext {
  /** The spec that the schema belongs to, and the one before an update. */
  readonly spec: CustomResourceDefinitionSpec;
  readonly old?: CustomResourceDefinitionSpec;
  /** The schema's version; '' where all versions have the same schema. */
  readonly version: string;
}

/** What needs more than a look at the schema: given by who serves custom resources and knows CEL. */
export interface SchemaJudge {
  /** What is wrong with a regular expression, in Go's words. */
  patternProblem?(pattern: string): string | undefined;
  /** Defaults must be values of the schema they stand in. Asked about structural schemas alone. */
  validateDefaults?(schema: JSONSchemaProps, path: Path, context: SchemaContext): Pieces<ErrorList>;
  /**
   * Rules must compile and not cost too much. Asked about structural schemas with good defaults.
   * @param isFaulty whether something else is wrong with the schema at a path: its rules are left alone
   */
  validateRules?(
    schema: JSONSchemaProps,
    path: Path,
    context: SchemaContext,
    isFaulty: (path: Path) => boolean,
  ): Pieces<ErrorList>;
}

/** Whether it is true of the schema or of one within it. */
export function schemaHas(schema: JSONSchemaProps, predicate: (schema: JSONSchemaProps) => boolean): boolean {
  return predicate(schema) || subschemas(schema).some((s) => schemaHas(s, predicate));
}

/** In upstream's order. */
export function subschemas(schema: JSONSchemaProps): JSONSchemaProps[] {
  const { items, allOf, anyOf, oneOf, not, properties, patternProperties, definitions, dependencies } = schema;
  const { additionalProperties, additionalItems } = schema;
  return [
    ...(Array.isArray(items) ? items : items ? [items] : []),
    ...(allOf ?? []),
    ...(anyOf ?? []),
    ...(oneOf ?? []),
    ...(not ? [not] : []),
    ...Object.values(properties ?? {}),
    ...(typeof additionalProperties === 'object' ? [additionalProperties] : []),
    ...Object.values(patternProperties ?? {}),
    ...(typeof additionalItems === 'object' ? [additionalItems] : []),
    ...Object.values(definitions ?? {}),
    ...Object.values(dependencies ?? {}).filter((d): d is JSONSchemaProps => d !== null && !Array.isArray(d)),
  ];
}
