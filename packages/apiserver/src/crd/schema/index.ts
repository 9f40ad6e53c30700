/**
 * What the schema of one version of a custom resource does for its objects. A pure library: no I/O, nothing of the
 * definition but the schema.
 *
 *     decoded ─▶ prune ─▶ applyDefaults ─▶ (admission) ─▶ validate: values, embedded metadata, list types, rules
 */

import type { ApplySchema } from '@keelson/api/apply/schema';
import { DecodeError } from '@keelson/api/codec/exact';
import { type ErrorList, type FieldErrorType, invalid, Path } from '@keelson/api/field';
import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import type { GroupVersionKind, KubeObject } from '@keelson/api/object';
import type { Pieces } from '@keelson/api/pieces';
import { applySchema } from './apply.ts';
import { Correlation } from './correlation.ts';
import { applyDefaults, withPrunedDefaults } from './defaults.ts';
import { coerceEmbedded, MalformedMetadata, validateEmbedded } from './embedded.ts';
import { errorsOf, NOWHERE, type Result } from './findings.ts';
import { validateListTypes } from './listtypes.ts';
import type { RuleMetrics } from './metrics.ts';
import { prune, pruneNulls } from './prune.ts';
import { evaluateRules, RuleTree } from './rules.ts';
import { asResource, type Structural, structural } from './structural.ts';
import { checkValue } from './values.ts';

export { repairMetadata } from './embedded.ts';
export { schemaJudge } from './judge.ts';

export interface CustomSchemaOptions {
  readonly kind: GroupVersionKind;
  readonly namespaced: boolean;
  /** Of definitions that came from v1beta1: nothing is pruned. */
  readonly preserveUnknownFields?: boolean;
  /** Where it is counted how long rules take. */
  readonly metrics?: RuleMetrics | undefined;
}

export interface PruneOptions {
  /** For what comes from the store: fields of embedded metadata that are of a wrong type are dropped; default false. */
  readonly dropsMalformed?: boolean;
}

export interface ValidateOptions {
  /**
   * Puts what else is wrong with the object around the findings in its values, or leaves these out: rules are not evaluated
   * where errors of certain types are among them.
   */
  readonly among?: (values: () => Pieces<ErrorList>) => Pieces<ErrorList>;
  /** Is told, on update, of broken rules that are forgiven because the value has not changed. */
  readonly warn?: (text: string) => void;
}

export interface CustomSchema {
  /**
   * Drops what the schema does not know (nothing where unknown fields are preserved), and nulls that can neither be nor
   * become anything else; puts metadata of embedded resources into its canonical form. metadata, apiVersion and kind of the
   * object itself stay as they are. In place.
   * @returns the paths of what was unknown, `spec.color`, `spec.items[0].x`, in upstream's order
   * @throws DecodeError for malformed metadata of an embedded resource, unless that is dropped
   */
  prune(object: KubeObject, options?: PruneOptions): string[];
  /** Fills in defaults; a null where null is not allowed and there is a default becomes the default. In place. */
  applyDefaults(object: KubeObject): void;
  /** Values against the schema, metadata of embedded resources, list types, then rules. */
  validate(object: KubeObject, options?: ValidateOptions): Pieces<ErrorList>;
  /** The same on update: what has not changed may stay as wrong as it is. */
  validateUpdate(object: KubeObject, old: KubeObject, options?: ValidateOptions): Pieces<ErrorList>;
  /** The same for the status subresource: of the values those under status, without embedded resources. */
  validateStatusUpdate(object: KubeObject, old: KubeObject, options?: ValidateOptions): Pieces<ErrorList>;
  /** How server-side apply sees the objects. */
  readonly apply: ApplySchema;
}

/**
 * Little of it is made before it is wanted: of most definitions there is never an object.
 * @param source undefined: anything goes
 */
export function customSchema(source: JSONSchemaProps | undefined, options: CustomSchemaOptions): CustomSchema {
  return new VersionSchema(source, options);
}

const STATUS = Path.of('status');

/** Errors that keep rules from being evaluated: values may not be what expressions take them for. */
const BLOCKING: ReadonlySet<FieldErrorType> = new Set<FieldErrorType>([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);
const NOT_CHECKED =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

/** What a schema is to each of the parts of this folder. */
interface Forms {
  readonly schema: Structural | undefined;
  /** The schema of the object as a resource. */
  readonly root: Structural | undefined;
}

class VersionSchema implements CustomSchema {
  readonly #source: JSONSchemaProps | undefined;
  readonly #preserves: boolean;
  readonly #preservesUnknownFields: boolean;
  readonly #metrics: RuleMetrics | undefined;
  #forms: Forms | undefined;
  #ruleTree: { readonly tree: RuleTree | undefined } | undefined;
  #apply: ApplySchema | undefined;

  constructor(source: JSONSchemaProps | undefined, { preserveUnknownFields = false, metrics }: CustomSchemaOptions) {
    this.#source = source;
    this.#metrics = metrics;
    this.#preservesUnknownFields = preserveUnknownFields;
    this.#preserves = preserveUnknownFields || source === undefined;
  }

  get apply(): ApplySchema {
    this.#apply ??= applySchema(this.#schema, this.#preservesUnknownFields);
    return this.#apply;
  }

  get #schema(): Structural | undefined {
    return this.#made().schema;
  }
  get #root(): Structural | undefined {
    return this.#made().root;
  }
  get #rules(): RuleTree | undefined {
    const schema = this.#schema;
    this.#ruleTree ??= { tree: schema && RuleTree.ofResource(schema, this.#metrics) };
    return this.#ruleTree.tree;
  }

  #made(): Forms {
    if (!this.#forms) {
      const given = this.#source && structural(this.#source);
      const schema = given && (this.#preservesUnknownFields ? given : withPrunedDefaults(given));
      this.#forms = { schema, root: schema && asResource(schema) };
    }
    return this.#forms;
  }

  prune(object: KubeObject, { dropsMalformed = false }: PruneOptions = {}): string[] {
    const schema = this.#schema;
    if (!schema) return [];
    const dropped = this.#preserves ? [] : prune(object, this.#root);
    if (!this.#preserves) pruneNulls(object, schema);
    try {
      return [...dropped, ...coerceEmbedded(object, schema, Path.root, dropsMalformed)];
    } catch (error) {
      throw error instanceof MalformedMetadata ? new DecodeError(error.message) : error;
    }
  }

  applyDefaults(object: KubeObject): void {
    applyDefaults(object, this.#schema);
  }

  *validate(object: KubeObject, options: ValidateOptions = {}): Pieces<ErrorList> {
    const schema = this.#schema;
    if (!schema) return yield* among(options, () => valueErrors());
    const errors = [
      ...(yield* among(options, () => valueErrors(checkValue(object, schema)))),
      ...(yield* validateEmbedded(object, schema, Path.root)),
      ...(yield* validateListTypes(object, schema, Path.root)),
    ];
    return [...errors, ...(yield* this.#evaluate(object, undefined, errors, options))];
  }

  *validateUpdate(object: KubeObject, old: KubeObject, options: ValidateOptions = {}): Pieces<ErrorList> {
    const schema = this.#schema;
    if (!schema) return yield* among(options, () => valueErrors());
    const correlation = new Correlation(object, old, schema);
    const errors = [
      ...(yield* among(options, () => valueErrors(checkValue(object, schema, '', correlation)))),
      ...(yield* validateEmbedded(object, schema, Path.root)),
      ...(yield* this.#listTypes(object, old)),
    ];
    return [...errors, ...(yield* this.#evaluate(object, correlation, errors, options))];
  }

  *validateStatusUpdate(object: KubeObject, old: KubeObject, options: ValidateOptions = {}): Pieces<ErrorList> {
    const schema = this.#schema;
    if (!schema) return yield* among(options, () => valueErrors());
    const correlation = new Correlation(object, old, schema);
    const status = schema.properties.get('status');
    // A status that is not there yet is null, which may stay so.
    const values = () =>
      status && Object.hasOwn(object, 'status')
        ? valueErrors(
            checkValue(object.status, status, '', new Correlation(object.status, old.status ?? null, status)),
            STATUS,
          )
        : valueErrors();
    const errors = [...(yield* among(options, values)), ...(yield* this.#listTypes(object, old))];
    return [...errors, ...(yield* this.#evaluate(object, correlation, errors, options))];
  }

  /** Not asked again of lists that were wrong already. */
  *#listTypes(object: KubeObject, old: KubeObject): Pieces<ErrorList> {
    const errors = yield* validateListTypes(object, this.#schema!, Path.root);
    return errors.length > 0 && (yield* validateListTypes(old, this.#schema!, Path.root)).length > 0 ? [] : errors;
  }

  *#evaluate(
    object: KubeObject,
    correlation: Correlation | undefined,
    errors: ErrorList,
    { warn }: ValidateOptions,
  ): Pieces<ErrorList> {
    const rules = this.#rules;
    if (!rules) return [];
    const isBlocked = errors.some(({ type }) => BLOCKING.has(type));
    if (isBlocked) return [invalid(NOWHERE, undefined, NOT_CHECKED)];
    return (yield* evaluateRules(rules, object, correlation?.old, Path.root, { correlation, warn })).errors;
  }
}

function among({ among }: ValidateOptions, values: () => Pieces<ErrorList>): Pieces<ErrorList> {
  return among ? among(values) : values();
}

/** @param look undefined: there is nothing to look at */
function* valueErrors(look?: Pieces<Result>, root?: Path): Pieces<ErrorList> {
  return look ? errorsOf(yield* look, root) : [];
}
