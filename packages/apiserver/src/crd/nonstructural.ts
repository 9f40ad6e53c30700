/**
 * Definitions from before schemas had to be structural say that theirs are not, until somebody mends them
 * (apiextensions-apiserver/pkg/controller/nonstructuralschema).
 */
import { aggregateText } from '@keelson/api/aggregate';
import { type ErrorList, invalid, Path } from '@keelson/api/field';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionStatus,
} from '@keelson/api/generated/types/apiextensions/v1';
import type { Pieces } from '@keelson/api/pieces';
import {
  unstructuralProblem,
  validateStructural,
} from '../registry/apiextensions/customresourcedefinition/structural.ts';
import { schemaJudge } from './schema/index.ts';
import { saying } from './status.ts';

const TYPE = 'NonStructuralSchema';
const SPEC = Path.of('spec');

/** The status of a definition with what is to be said of its schemas; undefined where it says so already. */
export function* structureStatus(
  { spec, status }: CustomResourceDefinition,
  now: Date,
): Pieces<CustomResourceDefinitionStatus | undefined> {
  const known = status.conditions?.find(({ type }) => type === TYPE);
  // Whatever else is stored has been found to be structural.
  if (!spec.preserveUnknownFields && !known) return undefined;
  const finding = yield* findingOf(spec);
  if (finding) {
    const isSaid = known?.status === finding.status && known.reason === finding.reason;
    return isSaid && known.message === finding.message ? undefined : saying(status, { type: TYPE, ...finding }, now);
  }
  return known && { ...status, conditions: status.conditions!.filter((condition) => condition !== known) };
}

interface Finding {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

function* findingOf({ preserveUnknownFields, versions }: CustomResourceDefinitionSpec): Pieces<Finding | undefined> {
  const patternProblem = schemaJudge().patternProblem!;
  const errors: ErrorList = preserveUnknownFields
    ? [invalid(SPEC.child('preserveUnknownFields'), true, 'must be false')]
    : [];
  for (const [i, { name, schema }] of (versions ?? []).entries()) {
    if (!schema?.openAPIV3Schema) continue;
    const problem = unstructuralProblem(schema.openAPIV3Schema);
    if (problem !== undefined) {
      const message = `failed to check validation schema for version ${name}: ${problem}`;
      return { status: 'Unknown', reason: 'StructuralError', message };
    }
    const path = SPEC.child('versions').index(i).child('schema', 'openAPIV3Schema');
    errors.push(...(yield* validateStructural(schema.openAPIV3Schema, path, patternProblem)));
  }
  if (errors.length === 0) return undefined;
  return { status: 'True', reason: 'Violations', message: aggregateText(new Set(errors.map(String))) };
}
