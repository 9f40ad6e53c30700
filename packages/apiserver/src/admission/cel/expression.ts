/** Expressions, compiled for what they are wanted for. */
import { compile, describeType, type Environment, type Program, sameType, type Type } from '@keelson/cel';
import type { ExpressionProblem } from '../../registry/admissionregistration/expressions.ts';

export interface Expression {
  readonly text: string;
  /** Of its value; undefined where it does not compile. */
  readonly type: Type | undefined;
  readonly program: Program | undefined;
  readonly problem: ExpressionProblem | undefined;
}

/** @param wanted any of these types; empty: it does not matter */
export function compileExpression(env: Environment, text: string, wanted: readonly Type[]): Expression {
  const failed = (type: ExpressionProblem['type'], detail: string): Expression => ({
    text,
    type: undefined,
    program: undefined,
    problem: { type, detail },
  });
  const compiled = compile(env, text);
  if (compiled.issues) return failed('invalid', `compilation failed: ${compiled.issues.message}`);
  const { type } = compiled;
  if (wanted.length > 0 && !wanted.some((w) => sameType(w, type))) {
    const [only] = wanted;
    const expected = wanted.length === 1 ? describeType(only!) : `one of [${wanted.map(describeType).join(' ')}]`;
    return failed('invalid', `must evaluate to ${expected} but got ${describeType(type)}`);
  }
  try {
    return { text, type, program: compiled.program(), problem: undefined };
  } catch (error) {
    return failed('internal', `program instantiation failed: ${(error as Error).message}`);
  }
}
