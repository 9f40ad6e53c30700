/** The mutations of a MutatingAdmissionPolicy (plugin/policy/mutating/patch). */
import { FieldsError } from '@keelson/api/apply/element';
import { merge } from '@keelson/api/apply/merge';
import { type ApplySchema, memberSchema, shapeOf } from '@keelson/api/apply/schema';
import { validate } from '@keelson/api/apply/validate';
import { sortedKeys } from '@keelson/api/codec/go-order';
import { encodeJson, openJson } from '@keelson/api/codec/json';
import { internalError, type StatusError } from '@keelson/api/errors';
import type { MutatingAdmissionPolicy, Mutation } from '@keelson/api/generated/types/admissionregistration/v1';
import { apiVersionOf, type KubeObject } from '@keelson/api/object';
import { type Operation, PatchProblem, runJsonPatch } from '@keelson/api/patch/json';
import { isObject, type JsonObject } from '@keelson/api/patch/value';
import { atOnce } from '@keelson/api/pieces';
import { EvaluationError, isList, isMap, misnamedTypes, StructValue, toJson, type Value } from '@keelson/cel';
import { Compiler } from '../cel/compiler.ts';
import { Conditions } from '../cel/conditions.ts';
import type { Expression } from '../cel/expression.ts';
import { type Input, OutOfBudget, POLICY_BUDGET, Session } from '../cel/session.ts';
import type { Form } from '../matching/forms.ts';
import type { AdmissionMetrics } from '../metrics.ts';
import { configurationOf } from './configuration.ts';

/** The mutation can't be done: the policy's failurePolicy says what follows. */
export class MutationError extends Error {
  override readonly name = 'MutationError';
}

interface CompiledMutation {
  readonly expression: Expression;
  readonly apply: (value: Value, object: KubeObject, form: Form) => KubeObject;
}

export class Mutator {
  readonly conditions: Conditions | undefined;
  readonly mutations: readonly CompiledMutation[];
  readonly variables: ReadonlyMap<string, Expression>;

  constructor({ metadata, spec }: MutatingAdmissionPolicy, metrics: AdmissionMetrics) {
    const { matchConditions: conditions = [], failurePolicy } = spec;
    const compiler = new Compiler({ hasParams: spec.paramKind !== undefined, variables: spec.variables ?? [] });
    const subject = { name: metadata.name ?? '', kind: 'policy', type: 'validate' } as const;
    this.conditions =
      conditions.length > 0 ? new Conditions({ conditions, failurePolicy, subject }, compiler, metrics) : undefined;
    this.variables = compiler.variables;
    this.mutations = (spec.mutations ?? []).map((mutation) => compileMutation(compiler, mutation));
  }

  /**
   * The object, in the same form, after one of the mutations.
   * @throws MutationError, StatusError
   */
  async mutate({ expression, apply }: CompiledMutation, given: Omit<Input, 'variables'>): Promise<KubeObject> {
    if (expression.problem) throw new MutationError(expression.problem.detail);
    const { objects } = given;
    const session = new Session({ ...given, variables: this.variables }, POLICY_BUDGET);
    const outcome = await session.evaluate(expression).catch((error: unknown) => {
      throw error instanceof OutOfBudget ? new MutationError(error.message) : error;
    });
    if (outcome.error !== undefined) throw new MutationError(outcome.error);
    return apply(outcome.value, objects.object!, objects.form);
  }
}

function compileMutation(compiler: Compiler, { patchType, applyConfiguration, jsonPatch }: Mutation): CompiledMutation {
  return patchType === 'JSONPatch'
    ? { expression: compiler.compile('jsonPatch', jsonPatch?.expression ?? ''), apply: patched }
    : { expression: compiler.compile('applyConfiguration', applyConfiguration?.expression ?? ''), apply: applied };
}

/** Lays an `Object{…}` over the object, as apply does, without owning anything. */
function applied(value: Value, object: KubeObject, form: Form): KubeObject {
  checkTypes(value);
  if (!hasSchema(form)) {
    const kind = `${form.kind.group}/${form.kind.version}, Kind=${form.kind.kind}`;
    throw new MutationError(
      `error applying patch: failed to convert patch object to typed object: no corresponding type for ${kind}`,
    );
  }
  const config = { ...configured(value), apiVersion: apiVersionOf(form.kind), kind: form.kind.kind };
  const schema = form.form.apply;
  const attempt = <T>(what: string, run: () => T): T => {
    try {
      return run();
    } catch (error) {
      throw error instanceof FieldsError
        ? new MutationError(`error applying patch: failed to ${what}: ${error.message}`)
        : error;
    }
  };
  attempt('convert patch object to typed object', () => validate(config, schema, 'forbidden'));
  const atomics = atomicsOf(config, schema, '');
  if (atomics.length > 0) {
    const why = `may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`;
    throw new MutationError(`error applying patch: invalid ApplyConfiguration: ${why}`);
  }
  attempt('convert original object to typed object', () => validate(object, schema, 'allowed'));
  const merged = attempt('merge patch', () => merge(object, config, schema));
  return decoded(() => form.decode(merged));
}

/** @throws MutationError */
function configured(value: Value): JsonObject {
  try {
    return configurationOf(value) as JsonObject;
  } catch (error) {
    throw error instanceof EvaluationError ? new MutationError('invalid return type: *dynamic.ObjectVal') : error;
  }
}

/** Upstream looks a kind up in the OpenAPI document of its own version, which has neither options nor what is another group's. */
function hasSchema({ kind, resource, form }: Form): boolean {
  return kind.group === resource.group && kind.version === resource.version && !form.type?.name.endsWith('Options');
}

/** Who changes part of what only goes as a whole would lose the rest. */
function atomicsOf(value: unknown, schema: ApplySchema, path: string): string[] {
  const shape = shapeOf(schema, value);
  if (shape === 'map' && isObject(value)) {
    const map = schema.map!;
    const below = sortedKeys(value).flatMap((key) => {
      const member = memberSchema(map, key);
      return member ? atomicsOf(value[key], member, `${path}.${key}`) : [];
    });
    return map.atomic ? [path, ...below] : below;
  }
  if (shape === 'list' && Array.isArray(value)) {
    const list = schema.list!;
    const below = value.flatMap((item, i) => atomicsOf(item, list.element, `${path}[${i}]`));
    return list.atomic ? [path, ...below] : below;
  }
  return [];
}

/** Does what a list of `JSONPatch{…}` says; where a test fails, nothing. */
function patched(value: Value, object: KubeObject, form: Form): KubeObject {
  const operations = isList(value) ? [...value].map(operationOf) : [];
  try {
    const result = runJsonPatch(object, operations) as JsonObject;
    return decoded(() => {
      const { strictErrors } = atOnce(form.form.decoding(openJson(encodeJson(result)), { strict: true }));
      if (strictErrors.length > 0) throw new Error(`strict decoding error: ${strictErrors.join(', ')}`);
      return form.decode(result);
    });
  } catch (error) {
    if (!(error instanceof PatchProblem)) throw error;
    if (error.isFailedTest) return object;
    throw new MutationError(`JSON Patch: ${error.message}`);
  }
}

function operationOf(step: Value): Operation {
  const member = (name: string): Value | undefined => (isMap(step) ? step.find(name) : undefined);
  const text = (name: string): string => {
    const found = member(name);
    return typeof found === 'string' ? found : '';
  };
  const value = member('value');
  if (value !== undefined) checkTypes(value);
  const from = text('from');
  return {
    op: text('op'),
    path: text('path'),
    ...(from === '' ? {} : { from }),
    ...(value === undefined ? {} : { value: toJson(value) }),
  };
}

function checkTypes(value: Value): void {
  const problems = value instanceof StructValue ? misnamedTypes(value) : [];
  if (problems.length > 0) throw new MutationError(`type mismatch: ${problems.join('\n')}`);
}

/** @throws StatusError 500 for what is no object of its kind any more */
function decoded(decode: () => KubeObject): KubeObject {
  try {
    return decode();
  } catch (error) {
    throw internal((error as Error).message);
  }
}

function internal(why: string): StatusError {
  return internalError(why);
}
