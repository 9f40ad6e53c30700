/** Compare pkg/apis/admissionregistration/validation: ValidateValidatingAdmissionPolicy. */
import { duplicate, type ErrorList, invalid, Path, required } from '@keelson/api/field';
import type {
  AuditAnnotation,
  ExpressionWarning,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicySpec,
  ValidatingAdmissionPolicyStatus,
  Validation,
} from '@keelson/api/generated/types/admissionregistration/v1';
import { isQualifiedName } from '@keelson/api/validation/names';
import { validateConditions } from '../../validation/conditions.ts';
import { invalidFor } from '../../validation/fields.ts';
import { internalList } from '../../validation/internal.ts';
import { type CompileExpression, checkExpression, type ExpressionScope, isBlank } from '../expressions.ts';
import { oneOf } from '../matching.ts';
import { policyScope, SPEC, validatePolicy } from '../policy.ts';

const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];
const MAX_AUDIT_ANNOTATIONS = 20;
const MAX_VALUE_EXPRESSION_BYTES = 5 * 1024;
const ONE_OF_TWO = 'validations or auditAnnotations must contain at least one item';

/** @param old before an update; undefined on create */
export function validateValidatingAdmissionPolicy(
  { metadata, spec }: ValidatingAdmissionPolicy,
  old: ValidatingAdmissionPolicy | undefined,
  compile: CompileExpression | undefined,
): ErrorList {
  const { validations = [], auditAnnotations = [] } = spec;
  const scope = policyScope(spec, compile, old ? expressionsOf(old.spec) : [], false);
  const errors = validatePolicy(spec, old?.spec, scope);
  const rulesPath = SPEC.child('validations');
  const annotationsPath = SPEC.child('auditAnnotations');
  if (validations.length === 0 && auditAnnotations.length === 0)
    return [...errors, required(rulesPath, ONE_OF_TWO), required(annotationsPath, ONE_OF_TWO)];
  for (const [i, validation] of validations.entries())
    errors.push(...validateValidation(validation, scope, rulesPath.index(i)));
  if (auditAnnotations.length > MAX_AUDIT_ANNOTATIONS) {
    const shown = internalList('io.k8s.api.admissionregistration.v1.AuditAnnotation', auditAnnotations);
    const why = `must not have more than ${MAX_AUDIT_ANNOTATIONS} auditAnnotations`;
    errors.push(invalid(annotationsPath, shown, why));
  }
  const keys = new Set<string>();
  for (const [i, annotation] of auditAnnotations.entries()) {
    const at = annotationsPath.index(i);
    errors.push(...validateAuditAnnotation(annotation, metadata.name ?? '', scope, at));
    if (keys.has(annotation.key)) errors.push(duplicate(at.child('key'), annotation.key));
    keys.add(annotation.key);
  }
  return errors;
}

function expressionsOf(spec: ValidatingAdmissionPolicySpec): (string | undefined)[] {
  return [
    ...(spec.matchConditions ?? []).map((c) => c.expression),
    ...(spec.validations ?? []).flatMap((v) => [v.expression, v.messageExpression]),
    ...(spec.auditAnnotations ?? []).map((a) => a.valueExpression),
  ];
}

function validateValidation(validation: Validation, scope: ExpressionScope, path: Path): ErrorList {
  const { expression, message = '', messageExpression = '', reason } = validation;
  const errors: ErrorList = [];
  const at = path.child('expression');
  if (isBlank(expression)) errors.push(required(at, 'expression is not specified'));
  else errors.push(...checkExpression(scope, 'validation', expression, at));
  if (messageExpression !== '') {
    const messageAt = path.child('messageExpression');
    if (isBlank(messageExpression))
      errors.push(invalid(messageAt, messageExpression, 'must be non-empty if specified'));
    else errors.push(...checkExpression(scope, 'messageExpression', messageExpression, messageAt));
  }
  if (message !== '') {
    if (isBlank(message)) errors.push(invalid(path.child('message'), message, 'must be non-empty if specified'));
    else if (/[\n\r]/.test(message.trim()))
      errors.push(invalid(path.child('message'), message, 'must not contain line breaks'));
  }
  return [...errors, ...oneOf(reason, REASONS, path.child('reason'))];
}

function validateAuditAnnotation(
  { key, valueExpression }: AuditAnnotation,
  policy: string,
  scope: ExpressionScope,
  path: Path,
): ErrorList {
  const qualified = `${policy}/${key}`;
  const keyPath = path.child('key');
  const errors =
    policy === ''
      ? [invalid(keyPath, key, 'requires metadata.name be non-empty')]
      : invalidFor(keyPath, qualified, isQualifiedName(qualified));
  const text = valueExpression.trim();
  const at = path.child('valueExpression');
  if (text === '') return [...errors, required(at, 'valueExpression is not specified')];
  if (Buffer.byteLength(text) > MAX_VALUE_EXPRESSION_BYTES)
    return [...errors, required(at, `must not exceed ${MAX_VALUE_EXPRESSION_BYTES} bytes in length`)];
  return [...errors, ...checkExpression(scope, 'auditAnnotation', text, at, valueExpression)];
}

const STATUS = Path.of('status');

export function validatePolicyStatus({ typeChecking, conditions }: ValidatingAdmissionPolicyStatus): ErrorList {
  const warnings = STATUS.child('typeChecking', 'expressionWarnings');
  return [
    ...(typeChecking?.expressionWarnings ?? []).flatMap((w, i) => validateWarning(w, warnings.index(i))),
    ...validateConditions(conditions, STATUS.child('conditions')),
  ];
}

function validateWarning({ warning, fieldRef }: ExpressionWarning, path: Path): ErrorList {
  return [
    ...(warning === '' ? [required(path.child('warning'))] : []),
    ...(isBlank(fieldRef) ? [required(path.child('fieldRef'))] : []),
  ];
}
