/**
 * The CEL expressions of webhooks and policies. Validation asks whoever compiles them about each one; without a compiler
 * only their presence and length is checked. Compare pkg/apis/admissionregistration/validation: validateCELCondition.
 */
import { type ErrorList, type FieldError, internal, invalid, type Path, required } from '@keelson/api/field';
import type { Variable } from '@keelson/api/generated/types/admissionregistration/v1';

/** What an expression is for decides what it must evaluate to and which types it may make. */
export type ExpressionRole =
  | 'matchCondition'
  | 'variable'
  | 'validation'
  | 'messageExpression'
  | 'auditAnnotation'
  | 'applyConfiguration'
  | 'jsonPatch';

export interface Expression {
  readonly role: ExpressionRole;
  readonly text: string;
  /** Whether `params` and `authorizer` are declared. */
  readonly hasParams: boolean;
  readonly hasAuthorizer: boolean;
  /** What `variables` holds; undefined where it is not declared at all. */
  readonly variables?: readonly Variable[];
  /** The object held it before this write: what only newer servers refuse is let pass. */
  readonly isStored: boolean;
}

export interface ExpressionProblem {
  readonly type: 'required' | 'invalid' | 'internal';
  readonly detail: string;
}

/** @returns what is wrong; undefined for an expression that compiles to the type that its role wants */
export type CompileExpression = (expression: Expression) => ExpressionProblem | undefined;

/** What the expressions of one object have in common. */
export interface ExpressionScope {
  readonly compile: CompileExpression | undefined;
  /** Every expression that the object holds already. */
  readonly stored: ReadonlySet<string>;
  readonly hasParams: boolean;
  /** Those declared before the expression; undefined where an object can have none. */
  readonly variables?: readonly Variable[];
}

/** @param shown the text in errors, where it differs from the one that is compiled */
export function checkExpression(
  scope: ExpressionScope,
  role: ExpressionRole,
  text: string,
  path: Path,
  shown = text,
): ErrorList {
  const { compile, stored, hasParams, variables } = scope;
  const problem = compile?.({
    role,
    text,
    hasParams,
    hasAuthorizer: role !== 'messageExpression',
    ...(role === 'matchCondition' || variables === undefined ? {} : { variables }),
    isStored: stored.has(text),
  });
  return problem ? [fieldError(problem, path, shown)] : [];
}

function fieldError({ type, detail }: ExpressionProblem, path: Path, text: string): FieldError {
  if (type === 'required') return required(path, detail);
  return type === 'invalid' ? invalid(path, text, detail) : internal(path, detail);
}

export function isBlank(text: string | undefined): boolean {
  return (text ?? '').trim() === '';
}
