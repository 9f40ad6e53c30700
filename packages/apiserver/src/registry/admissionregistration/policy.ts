/** What policies share. Compare pkg/apis/admissionregistration/validation: validate{Mutating,Validating}AdmissionPolicySpec. */
import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, invalid, Path, required } from '@keelson/api/field';
import type {
  MutatingAdmissionPolicySpec,
  ParamKind,
  ValidatingAdmissionPolicySpec,
  Variable,
} from '@keelson/api/generated/types/admissionregistration/v1';
import { isDNS1035Label, isDNS1123Subdomain } from '@keelson/api/validation/names';
import { type CompileExpression, checkExpression, type ExpressionScope, isBlank } from './expressions.ts';
import { requireOneOf, validateMatchConditions, validateMatchResources } from './matching.ts';

export const FAILURE_POLICIES = ['Fail', 'Ignore'];
export const REINVOCATION_POLICIES = ['IfNeeded', 'Never'];

export const SPEC = Path.of('spec');

/** What a policy of either kind has. */
export type PolicySpec = Pick<
  ValidatingAdmissionPolicySpec & MutatingAdmissionPolicySpec,
  'failurePolicy' | 'paramKind' | 'matchConstraints' | 'matchConditions' | 'variables'
>;

/**
 * @param stored the expressions of the policy before an update
 * @param declaresVariables even if there are none
 */
export function policyScope(
  spec: PolicySpec,
  compile: CompileExpression | undefined,
  stored: readonly (string | undefined)[],
  declaresVariables: boolean,
): ExpressionScope {
  const variables = declared(spec.variables ?? []);
  return {
    compile,
    stored: new Set(stored.filter((text) => text !== undefined)),
    hasParams: spec.paramKind !== undefined,
    ...(declaresVariables || spec.variables?.length ? { variables } : {}),
  };
}

/** A variable without an expression is none. */
function declared(variables: readonly Variable[]): Variable[] {
  return variables.filter(({ expression }) => !isBlank(expression));
}

/**
 * @param old before an update: match conditions that did not change are not looked at again
 * @param furtherConstraints what the kind wants of its match constraints besides
 */
export function validatePolicy(
  spec: PolicySpec,
  old: PolicySpec | undefined,
  scope: ExpressionScope,
  furtherConstraints: typeof validateMatchResources = () => [],
): ErrorList {
  const { matchConstraints: constraints, paramKind } = spec;
  const at = SPEC.child('matchConstraints');
  const errors = requireOneOf(spec.failurePolicy, FAILURE_POLICIES, SPEC.child('failurePolicy'));
  if (paramKind) errors.push(...validateParamKind(paramKind, SPEC.child('paramKind')));
  if (!constraints) errors.push(required(at));
  else {
    errors.push(...validateMatchResources(constraints, at));
    if (!constraints.resourceRules?.length) errors.push(required(at.child('resourceRules')));
    errors.push(...furtherConstraints(constraints, at));
  }
  const isSame =
    old && semanticEqual(paramKind, old.paramKind) && semanticEqual(spec.matchConditions, old.matchConditions);
  if (!isSame) errors.push(...validateMatchConditions(spec.matchConditions, scope, SPEC.child('matchConditions')));
  for (const [i, variable] of (spec.variables ?? []).entries()) {
    const before = { ...scope, variables: declared(spec.variables!.slice(0, i)) };
    errors.push(...validateVariable(variable, before, SPEC.child('variables').index(i)));
  }
  return errors;
}

function validateParamKind({ apiVersion = '', kind = '' }: ParamKind, path: Path): ErrorList {
  const errors = validateApiVersion(apiVersion, path.child('apiVersion'));
  const problems = isDNS1035Label(kind.toLowerCase());
  if (kind === '') errors.push(required(path.child('kind')));
  else if (problems.length > 0) {
    const why = `may have mixed case, but should otherwise match: ${problems.join(',')}`;
    errors.push(invalid(path.child('kind'), kind, why));
  }
  return errors;
}

function validateApiVersion(apiVersion: string, path: Path): ErrorList {
  if (apiVersion === '') return [required(path)];
  const parts = apiVersion === '/' ? [''] : apiVersion.split('/');
  if (parts.length > 2) return [invalid(path, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)];
  const version = parts.at(-1)!;
  const group = parts.length > 1 ? parts[0]! : '';
  const errors = joined(path, group, group === '' ? [] : isDNS1123Subdomain(group));
  return version === ''
    ? [...errors, invalid(path, apiVersion, 'version must be specified')]
    : [...errors, ...joined(path, version, isDNS1035Label(version))];
}

function joined(path: Path, value: string, problems: readonly string[]): ErrorList {
  return problems.length > 0 ? [invalid(path, value, problems.join(','))] : [];
}

const IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const RESERVED = new Set(
  (
    'true false null in as break const continue else for function if import let loop package namespace return var ' +
    'void while'
  ).split(' '),
);

function validateVariable({ name, expression }: Variable, scope: ExpressionScope, path: Path): ErrorList {
  const errors: ErrorList = [];
  if (isBlank(name)) errors.push(required(path.child('name'), 'name is not specified'));
  else if (!IDENTIFIER.test(name) || RESERVED.has(name))
    errors.push(invalid(path.child('name'), name, 'must be a valid CEL identifier'));
  const at = path.child('expression');
  if (isBlank(expression)) errors.push(required(at, 'expression is not specified'));
  else errors.push(...checkExpression(scope, 'variable', expression, at));
  return errors;
}
