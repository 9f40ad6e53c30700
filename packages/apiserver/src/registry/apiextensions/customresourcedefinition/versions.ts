/** What a version of a custom resource says of itself, besides its schema. */
import { type ErrorList, invalid, type Path, required } from '@keelson/api/field';
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
} from '@keelson/api/generated/types/apiextensions/v1';

const TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
const MAX_WARNING = 256;

export function validateDeprecation(
  { deprecated, deprecationWarning: warning }: CustomResourceDefinitionVersion,
  path: Path,
): ErrorList {
  if (warning === undefined) return [];
  const wrong = (detail: string) => invalid(path, warning, detail);
  if (!deprecated) return [wrong('can only be set for deprecated versions')];
  const errors: ErrorList = [];
  if (Buffer.byteLength(warning) > MAX_WARNING) errors.push(wrong('must be <= 256 characters long'));
  if (warning === '') errors.push(wrong('must not be an empty string'));
  const at = warning.search(/(?! )[\p{C}\p{Z}]/u);
  if (at >= 0) {
    const index = Buffer.byteLength(warning.slice(0, at));
    errors.push(wrong(`must only contain printable UTF-8 characters; non-printable character found at index ${index}`));
  }
  return errors;
}

export function validateSubresources({ scale }: CustomResourceSubresources, path: Path): ErrorList {
  if (!scale) return [];
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  return [
    ...validateScalePath(specReplicasPath, ['.spec.'], '.spec', path.child('scale.specReplicasPath')),
    ...validateScalePath(statusReplicasPath, ['.status.'], '.status', path.child('scale.statusReplicasPath')),
    ...(labelSelectorPath
      ? validateScalePath(
          labelSelectorPath,
          ['.spec.', '.status.'],
          'either .spec or .status',
          path.child('scale.labelSelectorPath'),
        )
      : []),
  ];
}

function validateScalePath(text: string, prefixes: readonly string[], where: string, path: Path): ErrorList {
  if (!text) return [required(path)];
  const errors = validateSimpleJSONPath(text, path);
  if (errors.length > 0 || prefixes.some((prefix) => text.startsWith(prefix))) return errors;
  return [invalid(path, text, `should be a json path under ${where}`)];
}

function validateSimpleJSONPath(text: string, path: Path): ErrorList {
  return text.startsWith('.') ? [] : [invalid(path, text, 'must be a simple json path starting with .')];
}

export function validateColumn(
  { name, type, format, jsonPath }: CustomResourceColumnDefinition,
  path: Path,
): ErrorList {
  const types = `must be one of ${TYPES.join(',')}`;
  const errors: ErrorList = name ? [] : [required(path.child('name'))];
  if (!type) errors.push(required(path.child('type'), types));
  else if (!TYPES.includes(type)) errors.push(invalid(path.child('type'), type, types));
  if (format && !FORMATS.includes(format))
    errors.push(invalid(path.child('format'), format, `must be one of ${FORMATS.join(',')}`));
  if (!jsonPath) errors.push(required(path.child('JSONPath')));
  else errors.push(...validateSimpleJSONPath(jsonPath, path.child('JSONPath')));
  return errors;
}
