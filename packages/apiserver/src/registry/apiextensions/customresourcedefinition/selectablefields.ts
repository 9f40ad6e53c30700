import { duplicate, type ErrorList, invalid, type Path, required, tooMany } from '@keelson/api/field';
import type { JSONSchemaProps, SelectableField } from '@keelson/api/generated/types/apiextensions/v1';
import { schemaAt } from './fieldpath.ts';

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
    const found = schemaAt(jsonPath, schema, { allowArrayNotation: false });
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
