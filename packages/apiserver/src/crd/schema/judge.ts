/** What schemas must fulfil beyond their form, to be asked when definitions are written. */
import { aggregateText } from '@keelson/api/aggregate';
import { equalValues } from '@keelson/api/codec/equality';
import { stringify } from '@keelson/api/codec/stringify';
import { type ErrorList, forbidden, internal, invalid, Path } from '@keelson/api/field';
import type { CustomResourceDefinitionSpec, JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import type { Pieces } from '@keelson/api/pieces';
import { compilePattern, type Declared, type EvaluationError } from '@keelson/cel';
import type { SchemaContext, SchemaJudge } from '../../registry/apiextensions/customresourcedefinition/schema.ts';
import { internalValue } from '../../registry/validation/internal.ts';
import { withPrunedDefaults } from './defaults.ts';
import { coerceEmbedded, MalformedMetadata, validateEmbedded } from './embedded.ts';
import {
  type CompiledRule,
  compileRules,
  declaredElement,
  declaredProperty,
  declareResource,
  declareValue,
} from './expressions.ts';
import { errorsOf } from './findings.ts';
import type { RuleMetrics } from './metrics.ts';
import { prune } from './prune.ts';
import { evaluateRules, OBJECT_BUDGET, RuleTree } from './rules.ts';
import { asResource, META_FIELDS, type Structural, structural } from './structural.ts';
import { checkValue } from './values.ts';

/** Makes the judge that `builtinRegistrations` wants. @param metrics where it is counted how long rules take */
export function schemaJudge(metrics?: RuleMetrics): SchemaJudge {
  return {
    patternProblem,
    validateDefaults: (schema, path, context) => validateDefaults(schema, path, context, metrics),
    validateRules: (schema, path, context, isFaulty) => validateRules(schema, path, context, isFaulty, metrics),
  };
}

function patternProblem(pattern: string): string | undefined {
  try {
    compilePattern(pattern);
    return undefined;
  } catch (error) {
    return (error as EvaluationError).message;
  }
}

/** k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting/validation.go */
function* validateDefaults(
  schema: JSONSchemaProps,
  path: Path,
  { old }: SchemaContext,
  metrics: RuleMetrics | undefined,
): Pieces<ErrorList> {
  const root = asResource(structural(schema, true));
  yield;
  const check = new DefaultsCheck(!old || !(yield* haveUnprunedDefaults(old)), metrics);
  try {
    yield* check.visit(root, { resource: root, around: undefined }, path);
  } catch (error) {
    if (error !== OUT_OF_BUDGET) throw error;
  }
  return check.errors;
}

function* haveUnprunedDefaults({ versions }: CustomResourceDefinitionSpec): Pieces<boolean> {
  for (const { schema } of versions ?? []) {
    if (!schema?.openAPIV3Schema) continue;
    const given = structural(schema.openAPIV3Schema);
    yield;
    if (!sameDefaults(given, withPrunedDefaults(given))) return true;
    yield;
  }
  return false;
}

function sameDefaults(a: Structural, b: Structural): boolean {
  if (!equalValues(a.default ?? null, b.default ?? null)) return false;
  if (a.items && !sameDefaults(a.items, b.items!)) return false;
  return [...a.properties].every(([name, property]) => sameDefaults(property, b.properties.get(name)!));
}

const OUT_OF_BUDGET = { outOfBudget: true } as const;

/** Where a default stands. */
interface Place {
  /** The schema of the innermost resource around it. */
  readonly resource: Structural;
  /** Makes that resource of a default within its metadata; undefined elsewhere. */
  readonly around: ((value: unknown) => object) | undefined;
}

const TYPE_META = { kind: 'Validation', apiVersion: 'validation/v1' };

class DefaultsCheck {
  readonly errors: ErrorList = [];
  readonly #wantsPruned: boolean;
  readonly #metrics: RuleMetrics | undefined;
  #budget = OBJECT_BUDGET;

  constructor(wantsPruned: boolean, metrics: RuleMetrics | undefined) {
    this.#wantsPruned = wantsPruned;
    this.#metrics = metrics;
  }

  *visit(schema: Structural, outer: Place, path: Path): Pieces<void> {
    if (!schema.holds.defaults) return;
    yield;
    const place: Place = schema.embedded ? { resource: schema, around: undefined } : outer;
    if (schema.default !== undefined) yield* this.#check(schema, place, path.child('default'));
    const { around } = place;
    const { items, properties } = schema;
    // Values of maps have no defaults.
    if (items) {
      const inner = around && ((value: unknown) => around([value]));
      yield* this.visit(items, { ...place, around: inner }, path.child('items'));
    }
    for (const [name, property] of properties) {
      const isMeta = schema.embedded && META_FIELDS.has(name);
      const inner = isMeta
        ? (value: unknown) => ({ ...TYPE_META, [name]: value })
        : around && ((value: unknown) => around({ [name]: value }));
      yield* this.visit(property, { ...place, around: inner }, path.child('properties').key(name));
    }
  }

  *#check(schema: Structural, place: Place, path: Path): Pieces<void> {
    // Upstream shows and judges what is left of a default once its metadata is canonical.
    const { value, errors: own } = place.around
      ? { value: schema.default, errors: yield* surrounding(schema, place, path) }
      : yield* coerced(schema, path);
    if (!place.around && this.#wantsPruned && !isPruned(schema))
      this.errors.push(invalid(path, value, 'must not have unknown fields'));
    const errors = own.length > 0 ? own : errorsOf(yield* checkValue(value, schema), path);
    this.errors.push(...(errors.length > 0 ? errors : yield* this.#rules(schema, value, place, path)));
  }

  /** As on creation, and as on an update that changes nothing. */
  *#rules(schema: Structural, value: unknown, { resource }: Place, path: Path): Pieces<ErrorList> {
    const make = schema === resource ? RuleTree.ofResource : RuleTree.ofProperty;
    const tree = make(schema, this.#metrics);
    if (!tree) return [];
    const unchanged = yield* evaluateRules(tree, value, value, path, { budget: this.#budget });
    const created =
      unchanged.errors.length > 0
        ? unchanged
        : yield* evaluateRules(tree, value, undefined, path, { budget: this.#budget });
    this.#budget = Math.min(unchanged.budget, created.budget);
    if (this.#budget < 0) {
      this.errors.push(...created.errors);
      throw OUT_OF_BUDGET;
    }
    return created.errors;
  }
}

function isPruned(schema: Structural): boolean {
  const pruned = structuredClone(schema.default);
  prune(pruned, schema);
  return equalValues(pruned, schema.default);
}

/** The default with its metadata in canonical form, as far as it has one, and what is wrong with that. */
function* coerced(schema: Structural, path: Path): Pieces<{ value: unknown; errors: ErrorList }> {
  const value = structuredClone(schema.default);
  try {
    coerceEmbedded(value, schema, path, false);
  } catch (error) {
    if (error instanceof MalformedMetadata) return { value, errors: [error.error] };
    throw error;
  }
  return { value, errors: yield* validateEmbedded(value, schema, path) };
}

/** A default within metadata is judged by the resource that it makes. */
function* surrounding(schema: Structural, { resource, around }: Place, path: Path): Pieces<ErrorList> {
  const object = around!(structuredClone(schema.default));
  const wrong = (why: string) => [invalid(path, schema.default, `must result in valid metadata: ${why}`)];
  try {
    coerceEmbedded(object, resource, Path.root, false);
  } catch (error) {
    if (error instanceof MalformedMetadata) return wrong(error.message);
    throw error;
  }
  const errors = yield* validateEmbedded(object, resource, Path.root);
  return errors.length > 0 ? wrong(aggregateText(new Set(errors.map(String)))) : [];
}

/** The most that one rule may be estimated to cost, and all of a definition together. */
const RULE_LIMIT = 10_000_000;
const DEFINITION_LIMIT = 100_000_000;
const MAX_REQUEST = 3 * 1024 * 1024;
const UNBOUNDED = 2 ** 64 - 1;
const RULE = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ValidationRule';

/** Compare x-kubernetes-validations in k8s.io/apiextensions-apiserver's ValidateCustomResourceDefinitionOpenAPISchema. */
function* validateRules(
  schema: JSONSchemaProps,
  path: Path,
  context: SchemaContext,
  isFaulty: (path: Path) => boolean,
  metrics: RuleMetrics | undefined,
): Pieces<ErrorList> {
  const check = new RulesCheck(isUnchanged(schema, context), isFaulty, metrics);
  yield;
  const root = structural(schema);
  yield;
  yield* check.visit(
    root,
    { declared: once(() => declareResource(root)), ruled: false, count: 1, uncorrelated: undefined },
    path,
  );
  return [...check.errors, ...check.total(path)];
}

/** What was accepted once may cost what it costs. */
function isUnchanged(schema: JSONSchemaProps, { old, version, spec }: SchemaContext): boolean {
  const name = version || spec.versions?.[0]?.name;
  const before = old?.versions?.find((v) => v.name === name)?.schema?.openAPIV3Schema;
  return before !== undefined && stringify(before) === stringify(schema);
}

interface Node {
  readonly declared: () => Declared | undefined;
  /** Whether a schema around it has rules. */
  readonly ruled: boolean;
  /** How many such values an object can have, by the limits of what they are in; undefined where that has none. */
  readonly count: number | undefined;
  /** The schema from which on values cannot be told from what they were. */
  readonly uncorrelated: Path | undefined;
}

class RulesCheck {
  readonly errors: ErrorList = [];
  readonly #mayCostAny: boolean;
  readonly #isFaulty: (path: Path) => boolean;
  readonly #metrics: RuleMetrics | undefined;
  readonly #costs: { path: Path; cost: number }[] = [];

  constructor(mayCostAny: boolean, isFaulty: (path: Path) => boolean, metrics: RuleMetrics | undefined) {
    this.#metrics = metrics;
    this.#mayCostAny = mayCostAny;
    this.#isFaulty = isFaulty;
  }

  /** What is within first. */
  *visit(schema: Structural, node: Node, path: Path): Pieces<void> {
    if (!schema.holds.rules) return;
    yield;
    const { additional, properties, items, listType } = schema;
    const most = mostMembers(schema.source);
    const count = node.count === undefined || most === undefined ? undefined : times(node.count, most);
    const ruled = node.ruled || schema.rules.length > 0;
    // Where no rule looks at what is around it, a value is seen by itself, and where that does not show it.
    const seen = (inner: Structural, within: (around: Declared) => Declared | undefined) =>
      once(() => {
        const around = ruled ? node.declared() : undefined;
        if (ruled && !around) return undefined;
        return (around && within(around)) ?? (inner.embedded ? declareResource(inner) : declareValue(inner));
      });
    const inner = { ...node, ruled, count };
    if (typeof additional === 'object') {
      const declared = seen(additional, declaredElement);
      yield* this.visit(additional, { ...inner, declared }, path.child('additionalProperties'));
    }
    for (const [name, property] of properties) {
      const declared = seen(property, (around) => declaredProperty(around, name, property));
      yield* this.visit(property, { ...inner, declared }, path.child('properties').key(name));
    }
    if (items) {
      const uncorrelated = node.uncorrelated ?? (listType === 'map' ? undefined : path);
      yield* this.visit(items, { ...inner, declared: seen(items, declaredElement), uncorrelated }, path.child('items'));
    }
    if (schema.rules.length > 0 && !this.#isFaulty(path))
      this.#check(schema, node, path.child('x-kubernetes-validations'));
  }

  #check(schema: Structural, { declared, count, uncorrelated }: Node, path: Path): void {
    const seen = declared();
    if (!seen) {
      const why = 'unable to convert structural schema to CEL declarations';
      this.errors.push(
        internal(
          path,
          `internal error: failed to construct type information for x-kubernetes-validations rules: ${why}`,
        ),
      );
      return;
    }
    const most = count ?? Math.floor(MAX_REQUEST / (seen.minSize + 1));
    for (const [i, compiled] of compileRules(schema, seen, this.#metrics).entries()) {
      const at = path.index(i);
      this.#cost(at.child('rule'), times(compiled.maxCost, most), 'estimated rule cost');
      this.#problems(compiled, at);
      this.#oldSelf(compiled, uncorrelated, at);
    }
  }

  #problems({ rule, problem, message, messageProblem }: CompiledRule, path: Path): void {
    if (problem !== undefined) this.errors.push(invalid(path.child('rule'), internalValue(RULE, rule), problem));
    const at = path.child('messageExpression');
    if (messageProblem !== undefined) this.errors.push(invalid(at, internalValue(RULE, rule), messageProblem));
    else if (message) this.#cost(at, message.maxCost, 'estimated messageExpression cost');
  }

  #oldSelf({ rule, usesOldSelf }: CompiledRule, uncorrelated: Path | undefined, path: Path): void {
    if (usesOldSelf && uncorrelated)
      this.errors.push(
        invalid(
          path.child('rule'),
          rule.rule,
          `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`,
        ),
      );
    else if (!usesOldSelf && rule.optionalOldSelf !== undefined)
      this.errors.push(
        invalid(path.child('optionalOldSelf'), rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'),
      );
  }

  #cost(path: Path, cost: number, what: string): void {
    if (!this.#mayCostAny && cost > RULE_LIMIT) this.errors.push(forbidden(path, tooCostly(what, cost, RULE_LIMIT)));
    this.#costs.push({ path, cost });
  }

  /** Errors for the most expensive four where all of them together cost too much. */
  total(path: Path): ErrorList {
    const total = this.#costs.reduce((sum, { cost }) => sum + cost, 0);
    if (total <= DEFINITION_LIMIT) return [];
    const expensive = this.#costs.filter(({ cost }) => cost >= DEFINITION_LIMIT / 100).sort((a, b) => b.cost - a.cost);
    const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema';
    return [
      ...expensive
        .slice(0, 4)
        .map((rule) =>
          forbidden(
            rule.path,
            'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
          ),
        ),
      forbidden(path, tooCostly(what, total, DEFINITION_LIMIT)),
    ];
  }
}

/** Every rule within a schema asks for what it sees, which is made of the whole of it. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** How many values a value can have within. */
function mostMembers({ type, additionalProperties, maxProperties, maxItems }: JSONSchemaProps): number | undefined {
  const most =
    type === 'array' ? maxItems : type === 'object' && additionalProperties !== undefined ? maxProperties : 1;
  return most === undefined ? undefined : Math.max(most, 0);
}

function times(a: number, b: number): number {
  return Math.min(a * b, UNBOUNDED);
}

function tooCostly(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? 'more than 100' : factor.toFixed(factor < 1.5 ? 6 : 1);
  return `${what} exceeds budget by factor of ${shown}x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
