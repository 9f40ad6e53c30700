/** The expressions of one policy or webhook, compiled together: later ones see the variables that stand before them. */

import type { Variable } from '@keelson/api/generated/types/admissionregistration/v1';
import {
  BoolType,
  DynType,
  type Environment,
  JSONPatchType,
  listType,
  NullType,
  OBJECT_TYPES,
  StringType,
  type Type,
  withVariables,
} from '@keelson/cel';
import { LRUCache } from 'lru-cache';
import type { CompileExpression, ExpressionRole } from '../../registry/admissionregistration/expressions.ts';
import { admissionEnvironment, type Named } from './environment.ts';
import { compileExpression, type Expression } from './expression.ts';

const RESULTS: Readonly<Record<ExpressionRole, readonly Type[]>> = {
  matchCondition: [BoolType],
  variable: [],
  validation: [BoolType],
  messageExpression: [StringType],
  auditAnnotation: [StringType, NullType],
  applyConfiguration: [OBJECT_TYPES.resolveType!('Object')!.type],
  jsonPatch: [listType(JSONPatchType)],
};

export interface CompilerOptions {
  readonly hasParams: boolean;
  /** Undefined: `variables` is not declared at all. */
  readonly variables?: readonly Variable[];
}

export class Compiler {
  readonly #hasParams: boolean;
  /** By name; a later one of the same name takes the place of an earlier one. */
  readonly variables: ReadonlyMap<string, Expression>;
  readonly #declaresVariables: boolean;

  constructor({ hasParams, variables }: CompilerOptions) {
    this.#hasParams = hasParams;
    this.#declaresVariables = variables !== undefined;
    const compiled = new Map<string, Expression>();
    this.variables = compiled;
    for (const { name, expression } of variables ?? []) compiled.set(name, this.compile('variable', expression));
  }

  compile(role: ExpressionRole, text: string, hasAuthorizer = role !== 'messageExpression'): Expression {
    const hasPatchTypes = role === 'applyConfiguration' || role === 'jsonPatch';
    return compileExpression(
      this.#environment({ hasParams: this.#hasParams, hasAuthorizer, hasPatchTypes }),
      text,
      RESULTS[role],
    );
  }

  #environment(named: Named): Environment {
    const env = admissionEnvironment(named);
    if (!this.#declaresVariables) return env;
    // One that does not compile has been complained of: who uses it is not.
    const types = [...this.variables].map(([name, { type }]) => [name, type ?? DynType] as const);
    return withVariables(env, new Map(types));
  }
}

/** The compilers of the object that is being validated: its expressions are asked about one by one. */
const recent = new LRUCache<string, Compiler>({ max: 64 });

/** What validation of webhooks and policies asks. */
export const compileForValidation: CompileExpression = ({ role, text, hasParams, hasAuthorizer, variables }) => {
  const key = JSON.stringify([hasParams, variables ?? null]);
  let compiler = recent.get(key);
  if (!compiler) {
    compiler = new Compiler({ hasParams, ...(variables ? { variables } : {}) });
    recent.set(key, compiler);
  }
  return compiler.compile(role, text, hasAuthorizer).problem;
};
