/** Rules of one schema, compiled (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/compilation.go). */
import type { JSONSchemaProps, ValidationRule } from '@keelson/api/generated/types/apiextensions/v1';
import {
  type Compiled,
  compile,
  type Declared,
  type Environment,
  environment,
  escapeName,
  fromSchema,
  optionalOf,
  type Program,
  sizesWithin,
} from '@keelson/cel';
import { fieldAt } from '../../registry/apiextensions/customresourcedefinition/fieldpath.ts';
import type { RuleMetrics } from './metrics.ts';
import type { Structural } from './structural.ts';

export interface CompiledRule {
  readonly rule: ValidationRule;
  /** Undefined for a rule that is blank, or does not compile. */
  readonly program?: Program;
  readonly problem?: string;
  readonly usesOldSelf: boolean;
  /** The most that an evaluation can cost. */
  readonly maxCost: number;
  readonly message?: CompiledMessage;
  readonly messageProblem?: string;
  /** Of the field that breaks the rule, below that of the value; empty for the value itself. */
  readonly fieldPath: string;
}

export interface CompiledMessage {
  readonly program: Program;
  readonly maxCost: number;
  readonly usesOldSelf: boolean;
}

/** What expressions see of the objects of a resource; undefined for nothing. */
export function declareResource(schema: Structural): Declared | undefined {
  return fromSchema(schema.source, { name: 'selfType', resourceRoot: true });
}

/** What they see of other values by themselves. */
export function declareValue(schema: Structural): Declared | undefined {
  return fromSchema(schema.source, { name: 'selfType' });
}

/** What they see of a property. */
export function declaredProperty(declared: Declared, name: string, property: Structural): Declared | undefined {
  const escaped = escapeName(name);
  if (escaped === undefined) return declareValue(property);
  return declared.kind === 'object' ? declared.fields.get(escaped)?.declared : undefined;
}

/** What they see of items and of values of maps. */
export function declaredElement(declared: Declared): Declared | undefined {
  if (declared.kind === 'list') return declared.element;
  return declared.kind === 'map' ? declared.value : undefined;
}

export function compileRules(
  { source, rules }: Structural,
  declared: Declared,
  metrics: RuleMetrics | undefined,
): CompiledRule[] {
  const compiled = metrics?.compiling();
  const plain = environment({ variables: { self: declared, oldSelf: declared } });
  const optional = rules.some((rule) => rule.optionalOldSelf)
    ? environment({ variables: { self: declared, oldSelf: optionalOf(declared) } })
    : plain;
  const found = rules.map((rule) => compileRule(rule, rule.optionalOldSelf ? optional : plain, declared, source));
  compiled?.();
  return found;
}

function compileRule(
  rule: ValidationRule,
  env: Environment,
  declared: Declared,
  schema: JSONSchemaProps,
): CompiledRule {
  const base = { rule, usesOldSelf: false, maxCost: 0, fieldPath: '' };
  if (rule.rule.trim() === '') return base;
  const compiled = compile(env, rule.rule);
  if (compiled.issues) return { ...base, problem: `compilation failed: ${compiled.issues.message}` };
  if (compiled.type.kind !== 'bool') return { ...base, problem: 'cel expression must evaluate to a bool' };
  const usesOldSelf = compiled.variables.has('oldSelf');
  const program = programOf(compiled);
  if (typeof program === 'string') return { ...base, usesOldSelf, problem: `program instantiation failed: ${program}` };
  const { max: maxCost } = compiled.cost(sizesWithin(declared));
  const field = rule.fieldPath ? fieldAt(rule.fieldPath, schema) : undefined;
  const fieldPath = typeof field === 'object' ? field.path.toString() : '';
  return { ...base, program, usesOldSelf, maxCost, fieldPath, ...compileMessage(rule, env, declared) };
}

function compileMessage(
  { messageExpression }: ValidationRule,
  env: Environment,
  declared: Declared,
): Pick<CompiledRule, 'message' | 'messageProblem'> {
  if (!messageExpression) return {};
  const compiled = compile(env, messageExpression);
  if (compiled.issues) return { messageProblem: `messageExpression compilation failed: ${compiled.issues.message}` };
  if (compiled.type.kind !== 'string') return { messageProblem: 'messageExpression must evaluate to a string' };
  const program = programOf(compiled);
  if (typeof program === 'string') return { messageProblem: `messageExpression instantiation failed: ${program}` };
  const { max: maxCost } = compiled.cost(sizesWithin(declared));
  return { message: { program, maxCost, usesOldSelf: compiled.variables.has('oldSelf') } };
}

/** Or why there is none. */
function programOf(compiled: Compiled & { issues?: undefined }): Program | string {
  try {
    return compiled.program();
  } catch (error) {
    return (error as Error).message;
  }
}
