/**
 * What the schema of one version of a custom resource does for its objects. A pure library: no I/O, nothing of the
 * definition but the schema.
 *
 *     decoded ─▶ prune ─▶ applyDefaults ─▶ (admission) ─▶ validate: values, embedded metadata, list types, rules
 */
import type { ApplySchema } from '@keelson/api/apply/schema';
import { type ErrorList, Path } from '@keelson/api/field';
import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import type { GroupVersionKind, KubeObject } from '@keelson/api/object';
import { applySchema } from './apply.ts';
import { Correlation } from './correlation.ts';
import { applyDefaults, withPrunedDefaults } from './defaults.ts';
import type { Result } from './findings.ts';
import { validateListTypes } from './listtypes.ts';
import { prune, pruneNulls } from './prune.ts';
import { asResource, type Structural, structural } from './structural.ts';
import { checkValue } from './values.ts';

export interface CustomSchemaOptions {
  readonly kind: GroupVersionKind;
  readonly namespaced: boolean;
  /** Of definitions that came from v1beta1: nothing is pruned. */
  readonly preserveUnknownFields?: boolean;
}

export interface CustomSchema {
  /**
   * Drops what the schema does not know (nothing where unknown fields are preserved), and nulls that can neither be nor
   * become anything else. metadata, apiVersion and kind stay as they are. In place.
   * @returns the paths of what was dropped, `spec.color`, `spec.items[0].x`, in upstream's order
   */
  prune(object: KubeObject): string[];
  /** Fills in defaults; a null where null is not allowed and there is a default becomes the default. In place. */
  applyDefaults(object: KubeObject): void;
  /**
   * Values against the schema, metadata of embedded resources, list types, then rules.
   * @param found what else is wrong with the object: rules are not evaluated where that is of the wrong kind
   */
  validate(object: KubeObject, found?: ErrorList): ErrorList;
  /** The same on update: what has not changed may stay as wrong as it is. */
  validateUpdate(object: KubeObject, old: KubeObject, found?: ErrorList): ErrorList;
  /** The same for the status subresource: of the values those under status, without embedded resources. */
  validateStatusUpdate(object: KubeObject, old: KubeObject, found?: ErrorList): ErrorList;
  /** How server-side apply sees the objects. */
  readonly apply: ApplySchema;
}

/** @param source undefined: anything goes */
export function customSchema(source: JSONSchemaProps | undefined, options: CustomSchemaOptions): CustomSchema {
  return new VersionSchema(source && structural(source), options);
}

const STATUS = Path.of('status');

class VersionSchema implements CustomSchema {
  readonly apply: ApplySchema;
  readonly #schema: Structural | undefined;
  /** The schema of the object as a resource. */
  readonly #root: Structural | undefined;
  readonly #preserves: boolean;

  constructor(schema: Structural | undefined, { preserveUnknownFields = false }: CustomSchemaOptions) {
    this.#preserves = preserveUnknownFields || schema === undefined;
    this.#schema = schema && (preserveUnknownFields ? schema : withPrunedDefaults(schema));
    this.#root = this.#schema && asResource(this.#schema);
    this.apply = applySchema(schema, preserveUnknownFields);
  }

  prune(object: KubeObject): string[] {
    if (this.#preserves) return [];
    const dropped = prune(object, this.#root);
    pruneNulls(object, this.#schema);
    return dropped;
  }

  applyDefaults(object: KubeObject): void {
    applyDefaults(object, this.#schema);
  }

  validate(object: KubeObject, _found: ErrorList = []): ErrorList {
    if (!this.#schema) return [];
    return [...errorsOf(checkValue(object, this.#schema)), ...validateListTypes(object, this.#schema, Path.root)];
  }

  validateUpdate(object: KubeObject, old: KubeObject, _found: ErrorList = []): ErrorList {
    if (!this.#schema) return [];
    const correlation = new Correlation(object, old, this.#schema);
    return [...errorsOf(checkValue(object, this.#schema, '', correlation)), ...this.#listTypes(object, old)];
  }

  validateStatusUpdate(object: KubeObject, old: KubeObject, _found: ErrorList = []): ErrorList {
    const schema = this.#schema;
    if (!schema) return [];
    const correlation = new Correlation(object, old, schema);
    const status = schema.properties.get('status');
    const values =
      status && Object.hasOwn(object, 'status')
        ? checkValue(object.status, status, '', correlation.key('status'))
        : undefined;
    return [...(values ? errorsOf(values, STATUS) : []), ...this.#listTypes(object, old)];
  }

  /** Not asked again of lists that were wrong already. */
  #listTypes(object: KubeObject, old: KubeObject): ErrorList {
    const errors = validateListTypes(object, this.#schema!, Path.root);
    return errors.length > 0 && validateListTypes(old, this.#schema!, Path.root).length > 0 ? [] : errors;
  }
}

function errorsOf({ findings }: Result, root?: Path): ErrorList {
  return [...findings].map((finding) => finding.toError(root));
}
