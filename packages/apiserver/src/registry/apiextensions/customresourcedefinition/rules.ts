/** x-kubernetes-validations as text; whether the expressions compile is another's business (SchemaJudge). */
import { type ErrorList, invalid, notSupported, type Path, required } from '@keelson/api/field';
import type { JSONSchemaProps, ValidationRule } from '@keelson/api/generated/types/apiextensions/v1';
import { isFieldPath } from './fieldpath.ts';
import { unstructuralProblem } from './structural.ts';

const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const NON_EMPTY = 'must be non-empty if specified';
const ONE_LINE = 'must not contain line breaks';

export function validateRules(schema: JSONSchemaProps, path: Path): ErrorList {
  return (schema['x-kubernetes-validations'] ?? []).flatMap((rule, i) =>
    validateRule(rule, schema, path.child('x-kubernetes-validations').index(i)),
  );
}

function validateRule(rule: ValidationRule, schema: JSONSchemaProps, path: Path): ErrorList {
  const { messageExpression = '', reason, fieldPath = '' } = rule;
  const at = path.child('fieldPath');
  const errors = validateText(rule, path);
  if (messageExpression !== '' && messageExpression.trim() === '')
    errors.push(required(path.child('messageExpression'), 'messageExpression must be non-empty if specified'));
  if (reason !== undefined && !REASONS.includes(reason))
    errors.push(notSupported(path.child('reason'), reason, REASONS));
  if (fieldPath === '') return errors;
  if (fieldPath.trim() === '') errors.push(invalid(at, fieldPath, NON_EMPTY));
  if (hasLines(fieldPath)) errors.push(invalid(at, fieldPath, ONE_LINE));
  if (!isFieldPath(fieldPath, schema) && unstructuralProblem(schema) === undefined)
    errors.push(invalid(at, fieldPath, 'must be a valid path'));
  return errors;
}

/** The first thing that is wrong. */
function validateText({ rule, message = '' }: ValidationRule, path: Path): ErrorList {
  const trimmed = message.trim();
  const at = path.child('message');
  if (rule.trim() === '') return [required(path.child('rule'), 'rule is not specified')];
  if (message !== '' && trimmed === '') return [invalid(at, message, NON_EMPTY)];
  if (hasLines(trimmed)) return [invalid(at, message, ONE_LINE)];
  return hasLines(rule.trim()) && trimmed === ''
    ? [required(at, 'message must be specified if rule contains line breaks')]
    : [];
}

function hasLines(text: string): boolean {
  return /[\n\r]/.test(text);
}
