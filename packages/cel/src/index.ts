export { type Compiled, compile, type Program } from './compile.ts';
export { type SizeOf, sizesWithin } from './cost/declared.ts';
export { type CallEstimate, type CallShape, type CostRange, type Estimated, UNBOUNDED } from './cost/range.ts';
export { type Constructible, type Declarations, Environment } from './environment.ts';
export { lazyObject, sourceOf } from './eval/adapt.ts';
export { BudgetExceeded, EvaluationError, failure, noSuchOverload, Pending } from './eval/errors.ts';
export { toJson } from './eval/json.ts';
export { compilePattern } from './eval/pattern.ts';
export { type Activation, type Evaluation, type EvaluationOptions, PER_CALL_LIMIT, settled } from './eval/program.ts';
export { Duration, Timestamp } from './eval/time.ts';
export * from './eval/values.ts';
export type { FunctionCost, FunctionDeclaration, Overload } from './functions.ts';
export { ADMISSION_VARIABLES, withVariables } from './library/admission.ts';
export {
  type AuthorizationAnswer,
  type AuthorizationQuery,
  AuthorizerType,
  authorizerValue,
  type Decide,
  ResourceCheckType,
  type ResourceQuery,
  resourceCheckValue,
} from './library/authorizer.ts';
export { BINDINGS } from './library/comprehensions.ts';
export { problemOfRequestUri } from './library/go-url.ts';
export { environment } from './library/kubernetes.ts';
export { JSON_PATCH, JSONPatchType, misnamedTypes, OBJECT_TYPES } from './library/mutation.ts';
export { parseQuantity, parseSemver, QuantityType, SemverType } from './library/quantity.ts';
export { fromBuiltin } from './schema/builtin.ts';
export { escapeName, unescapeName } from './schema/escape.ts';
export { fromSchema, type SchemaOptions } from './schema/structural.ts';
export type { Issue, Issues } from './syntax/source.ts';
export * from './types/declared.ts';
export * from './types/type.ts';
