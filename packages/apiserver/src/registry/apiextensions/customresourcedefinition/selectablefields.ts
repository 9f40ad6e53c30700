import { duplicate, type ErrorList, invalid, type Path, required, tooMany } from '@keelson/api/field';
import type { JSONSchemaProps, SelectableField } from '@keelson/api/generated/types/apiextensions/v1';

const MAX_FIELDS = 8;
const SCALARS = ['string', 'boolean', 'integer'];

/** @param allowMany for an update that leaves them as they are */
export function validateSelectableFields(
  fields: readonly SelectableField[],
  schema: JSONSchemaProps,
  allowMany: boolean,
  path: Path,
): ErrorList {
  const seen = new Set<string>();
  const errors = fields.flatMap(({ jsonPath }, i) => {
    const at = path.index(i).child('jsonPath');
    if (!jsonPath) return [required(at)];
    const found = schemaAt(jsonPath, schema);
    if (typeof found === 'string') return [invalid(at, jsonPath, `is an invalid path: ${found}`)];
    const problems: ErrorList = [];
    if (jsonPath === '.metadata' || jsonPath.startsWith('.metadata.'))
      problems.push(invalid(at, jsonPath, 'must not point to fields in metadata'));
    if (!SCALARS.includes(found.type ?? ''))
      problems.push(
        invalid(
          at,
          jsonPath,
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        ),
      );
    if (seen.has(jsonPath)) problems.push(duplicate(at, jsonPath));
    seen.add(jsonPath);
    return problems;
  });
  if (seen.size > MAX_FIELDS && !allowMany) errors.push(tooMany(path, seen.size, MAX_FIELDS));
  return errors;
}

/** The schema of the field, or what is wrong with the path. */
function schemaAt(path: string, root: JSONSchemaProps): JSONSchemaProps | string {
  const NO_FIELD = 'does not refer to a valid field';
  let schema = root;
  const tokens = path.match(/[.[\]]|[^.[\]]+/g) ?? [];
  for (let i = 0; i < tokens.length; i += 2) {
    if (tokens[i] === '[') return 'array notation is not allowed';
    if (tokens[i] !== '.') return `expected [ or . but got: ${tokens[i]}`;
    const name = tokens[i + 1];
    if (name === undefined) return 'unexpected end of JSON path';
    const { properties, additionalProperties } = schema;
    let next: JSONSchemaProps | undefined;
    if (properties) next = Object.hasOwn(properties, name) ? properties[name] : undefined;
    else if (typeof additionalProperties === 'object') next = additionalProperties;
    if (!next) return NO_FIELD;
    schema = next;
  }
  return schema;
}
