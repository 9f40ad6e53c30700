/** Compare k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation. */

import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, forbidden, invalid, notSupported, Path, plain, required } from '@keelson/api/field';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceValidation,
  JSONSchemaProps,
  SelectableField,
} from '@keelson/api/generated/types/apiextensions/v1';
import type { Pieces } from '@keelson/api/pieces';
import { isDNS1035Label, isDNS1123Subdomain, nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { immutableField } from '../../validation/fields.ts';
import { internalList } from '../../validation/internal.ts';
import { validateApproval } from './approval.ts';
import { type ConversionOptions, conversionOptions, validateConversion } from './conversion.ts';
import { type HoistedSpec, hoist } from './hoisted.ts';
import { validateNames, validateRequiredNames } from './names.ts';
import { validateOpenAPISchema } from './openapischema.ts';
import { wantsKeys, wantsSchemas, wantsStructural } from './ratcheting.ts';
import { validateRootWithStatus } from './rootschema.ts';
import { type SchemaContext, type SchemaJudge, schemaHas } from './schema.ts';
import { validateSelectableFields } from './selectablefields.ts';
import { unstructuralProblem, validateStructural } from './structural.ts';
import { validateColumn, validateDeprecation, validateSubresources } from './versions.ts';

const SPEC = Path.of('spec');
const VERSIONS = SPEC.child('versions');
const STATUS = Path.of('status');
const GO_PACKAGE = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
const SCOPES = ['Cluster', 'Namespaced'];

interface Options {
  readonly judge: SchemaJudge;
  readonly conversion: ConversionOptions;
  readonly old?: CustomResourceDefinitionSpec;
}

export function* validateCustomResourceDefinition(
  crd: CustomResourceDefinition,
  judge: SchemaJudge,
): Pieces<ErrorList> {
  const errors = yield* validateSpec(crd.spec, { judge, conversion: conversionOptions(undefined, false) });
  return [...errors, ...validateRest(crd)];
}

export function* validateCustomResourceDefinitionUpdate(
  crd: CustomResourceDefinition,
  old: CustomResourceDefinition,
  judge: SchemaJudge,
): Pieces<ErrorList> {
  const established = isEstablished(old);
  const { names, scope, group } = crd.spec;
  const conversion = conversionOptions(old.spec.conversion, established);
  return [
    ...(yield* validateSpec(crd.spec, { judge, conversion, old: old.spec })),
    ...(established
      ? [
          ...immutableField(scope, old.spec.scope, SPEC.child('scope')),
          ...immutableField(names.kind, old.spec.names.kind, SPEC.child('names', 'kind')),
        ]
      : []),
    ...immutableField(group, old.spec.group, SPEC.child('group')),
    ...immutableField(names.plural, old.spec.names.plural, SPEC.child('names', 'plural')),
    ...validateRest(crd, old),
  ];
}

function isEstablished({ status }: CustomResourceDefinition): boolean {
  return status.conditions?.some((c) => c.type === 'Established' && c.status === 'True') ?? false;
}

export function crdNameProblems(name: string, prefix: boolean, { spec }: CustomResourceDefinition): string[] {
  const problems = nameIsDNSSubdomain(name, prefix);
  return name === `${spec.names.plural}.${spec.group}`
    ? problems
    : [...problems, 'must be spec.names.plural+"."+spec.group'];
}

function validateRest(crd: CustomResourceDefinition, old?: CustomResourceDefinition): ErrorList {
  const { preserveUnknownFields } = crd.spec;
  return [
    ...validateCustomResourceDefinitionStatus(crd),
    ...validateStoredVersions(crd),
    ...validateApproval(crd, old),
    ...(preserveUnknownFields && !old?.spec.preserveUnknownFields
      ? [
          invalid(
            SPEC.child('preserveUnknownFields'),
            true,
            'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
          ),
        ]
      : []),
  ];
}

export function validateCustomResourceDefinitionStatus({ status }: CustomResourceDefinition): ErrorList {
  return validateNames(status.acceptedNames, STATUS.child('acceptedNames'));
}

function validateStoredVersions({ spec, status }: CustomResourceDefinition): ErrorList {
  const path = STATUS.child('storedVersions');
  const stored = status.storedVersions ?? [];
  if (stored.length === 0) return [invalid(path, status.storedVersions, 'must have at least one stored version')];
  // Each is found once: of two storage versions of one name the second is missing.
  const left = new Map(stored.map((name, i) => [name, i]));
  return [
    ...(spec.versions ?? []).flatMap(({ name, storage }) =>
      left.delete(name) || !storage ? [] : [invalid(path, stored, `must have the storage version ${name}`)],
    ),
    ...[...left].map(([name, i]) =>
      invalid(
        path.index(i),
        name,
        `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`,
      ),
    ),
  ];
}

function* validateSpec(spec: CustomResourceDefinitionSpec, options: Options): Pieces<ErrorList> {
  const hoisted = hoist(spec);
  yield;
  const { version, versions, validation, subresources, additionalPrinterColumns } = hoisted;
  const { names, conversion } = spec;
  const errors: ErrorList = [
    ...validateGroup(spec.group),
    ...validateScope(spec.scope),
    ...validateSchemasPresent(spec, hoisted, options.old),
  ];
  yield;
  for (const [i, v] of versions.entries())
    errors.push(...(yield* validateVersion(v, spec, hoisted, options, VERSIONS.index(i))));
  return [
    ...errors,
    ...validateUniformity(hoisted),
    ...validateVersionNames(versions, spec.versions),
    ...validateTopVersion(version),
    ...validateRequiredNames(names, SPEC.child('names')),
    ...validateNames(names, SPEC.child('names')),
    ...(yield* validateSchema(validation, {
      spec,
      options,
      version: '',
      path: SPEC.child('validation'),
      hasStatus: (spec.versions ?? []).some((v) => v.subresources?.status),
    })),
    ...(subresources ? validateSubresources(subresources, SPEC.child('subresources')) : []),
    ...additionalPrinterColumns.flatMap((c, i) => validateColumn(c, SPEC.child('additionalPrinterColumns').index(i))),
    ...validateTopSelectableFields(hoisted, options.old),
    ...(conversion && conversion.strategy !== 'None' && spec.preserveUnknownFields
      ? [
          invalid(
            SPEC.child('conversion', 'strategy'),
            conversion.strategy,
            'must be None if spec.preserveUnknownFields is true',
          ),
        ]
      : []),
    ...(conversion ? validateConversion(conversion, options.conversion, SPEC.child('conversion')) : []),
  ];
}

function validateGroup(group: string): ErrorList {
  const path = SPEC.child('group');
  if (group === '') return [required(path)];
  const problems = isDNS1123Subdomain(group);
  if (problems.length > 0) return [invalid(path, group, problems.join(','))];
  return group.includes('.') ? [] : [invalid(path, group, 'should be a domain with at least one dot')];
}

function validateScope(scope: string): ErrorList {
  const path = SPEC.child('scope');
  if (!scope) return [required(path)];
  return SCOPES.includes(scope) ? [] : [notSupported(path, plain(scope), SCOPES)];
}

/** Definitions of former versions may lack schemas, as long as nothing is pruned. */
function validateSchemasPresent(
  spec: CustomResourceDefinitionSpec,
  { validation, versions }: HoistedSpec,
  old: CustomResourceDefinitionSpec | undefined,
): ErrorList {
  const isWanted = wantsSchemas(old);
  const missing = validation?.openAPIV3Schema
    ? []
    : [...versions.entries()].filter(([, v]) => !v.schema?.openAPIV3Schema);
  const errors: ErrorList = missing.flatMap(([i, { served }]) => {
    const path = VERSIONS.index(i).child('schema', 'openAPIV3Schema');
    if (isWanted) return [required(path)];
    return spec.preserveUnknownFields || !served ? [] : [required(path, 'because otherwise all fields are pruned')];
  });
  const hasDefaults = (spec.versions ?? []).some(
    ({ schema }) => schema?.openAPIV3Schema && schemaHas(schema.openAPIV3Schema, (s) => s.default !== undefined),
  );
  if (hasDefaults && spec.preserveUnknownFields)
    errors.push(
      invalid(SPEC.child('preserveUnknownFields'), true, 'must be false in order to use defaults in the schema'),
    );
  return errors;
}

function* validateVersion(
  version: CustomResourceDefinitionVersion,
  spec: CustomResourceDefinitionSpec,
  hoisted: HoistedSpec,
  options: Options,
  path: Path,
): Pieces<ErrorList> {
  const { name, schema, subresources, additionalPrinterColumns = [], selectableFields = [] } = version;
  const problems = isDNS1035Label(name);
  const effective = hoisted.subresources ?? hoisted.versions.find((v) => v.name === name)?.subresources;
  return [
    ...(problems.length > 0 ? [invalid(path.child('name'), name, problems.join(','))] : []),
    ...validateDeprecation(version, path.child('deprecationWarning')),
    ...(yield* validateSchema(schema, {
      spec,
      options,
      version: name,
      path: path.child('schema'),
      hasStatus: effective?.status !== undefined,
    })),
    ...(subresources ? validateSubresources(subresources, path.child('subresources')) : []),
    ...additionalPrinterColumns.flatMap((c, i) => validateColumn(c, path.child('additionalPrinterColumns').index(i))),
    ...validateVersionSelectableFields(version, selectableFields, options.old, path),
  ];
}

function validateVersionSelectableFields(
  { name, schema }: CustomResourceDefinitionVersion,
  fields: readonly SelectableField[],
  old: CustomResourceDefinitionSpec | undefined,
  path: Path,
): ErrorList {
  if (fields.length === 0) return [];
  if (!schema?.openAPIV3Schema)
    return [
      invalid(
        path.child('selectableFields'),
        '',
        'may only be set when `version.schema.openAPIV3Schema` is not included',
      ),
    ];
  const before = old && hoist(old).versions.find((v) => v.name === name)?.selectableFields;
  return [
    ...validateStructurable(schema.openAPIV3Schema, path.child('schema.openAPIV3Schema')),
    ...validateSelectableFields(
      fields,
      schema.openAPIV3Schema,
      semanticEqual(before ?? [], fields),
      path.child('selectableFields'),
    ),
  ];
}

function validateTopSelectableFields(
  { selectableFields, validation }: HoistedSpec,
  old: CustomResourceDefinitionSpec | undefined,
): ErrorList {
  const path = SPEC.child('selectableFields');
  if (selectableFields.length === 0) return [];
  if (!validation) return [invalid(path, '', 'may only be set when validations.schema is included')];
  const { openAPIV3Schema: schema = {} } = validation;
  const before = old ? hoist(old).selectableFields : [];
  return [
    ...validateStructurable(schema, SPEC.child('schema.openAPIV3Schema')),
    ...validateSelectableFields(selectableFields, schema, semanticEqual(before, selectableFields), path),
  ];
}

function validateStructurable(schema: JSONSchemaProps, path: Path): ErrorList {
  const problem = unstructuralProblem(schema);
  return problem === undefined ? [] : [invalid(path, '', problem)];
}

/** What all versions have in common is hoisted: so this finds nothing but what some have and others lack. */
function validateUniformity({ validation, subresources, additionalPrinterColumns, versions }: HoistedSpec): ErrorList {
  const exclusive = (field: string, what: string) =>
    forbidden(SPEC.child(field), `top-level and per-version ${what} are mutually exclusive`);
  return [
    ...(validation && versions.some((v) => v.schema) ? [exclusive('validation', 'schemas')] : []),
    ...(subresources && versions.some((v) => v.subresources) ? [exclusive('subresources', 'subresources')] : []),
    ...(additionalPrinterColumns.length > 0 && versions.some((v) => v.additionalPrinterColumns?.length)
      ? [exclusive('additionalPrinterColumns', 'additionalPrinterColumns')]
      : []),
  ];
}

function validateVersionNames(versions: HoistedSpec['versions'], given: unknown): ErrorList {
  const problems: string[] = [];
  if (new Set(versions.map((v) => v.name)).size < versions.length) problems.push('must contain unique version names');
  if (versions.filter((v) => v.storage).length !== 1)
    problems.push('must have exactly one version marked as storage version');
  if (problems.length === 0) return [];
  const shown = internalList(`${GO_PACKAGE}.CustomResourceDefinitionVersion`, given == null ? null : versions);
  return problems.map((problem) => invalid(VERSIONS, shown, problem));
}

function validateTopVersion(version: string): ErrorList {
  const problems = version === '' ? [] : isDNS1035Label(version);
  return problems.length > 0 ? [invalid(SPEC.child('version'), version, problems.join(','))] : [];
}

interface SchemaPlace {
  readonly spec: CustomResourceDefinitionSpec;
  readonly options: Options;
  readonly version: string;
  readonly path: Path;
  readonly hasStatus: boolean;
}

function* validateSchema(validation: CustomResourceValidation | undefined, place: SchemaPlace): Pieces<ErrorList> {
  const schema = validation?.openAPIV3Schema;
  if (!schema) return [];
  const { spec, options, version, hasStatus } = place;
  const path = place.path.child('openAPIV3Schema');
  const isStructural = yield* wantsStructural(spec, options.old, patterns(options.judge));
  const errors = [
    ...(hasStatus ? validateRootWithStatus(schema, path) : []),
    ...(schema.nullable ? [forbidden(path.child('nullable'), 'nullable cannot be true at the root')] : []),
    ...(isStructural
      ? yield* judgeSchema(schema, path, options.judge, { spec, ...(options.old && { old: options.old }), version })
      : (yield* validateOpenAPISchema(schema, wantsKeys(options.old), path)).errors),
  ];
  if (!isStructural) return errors;
  // Mostly said in other words already.
  return errors.length === 0 ? validateStructurable(schema, path) : errors;
}

/** The rules compile where structure and defaults are in order, and the schema that they belong to. */
function* judgeSchema(
  schema: JSONSchemaProps,
  path: Path,
  judge: SchemaJudge,
  context: SchemaContext,
): Pieces<ErrorList> {
  const canBeStructural = unstructuralProblem(schema) === undefined;
  const structure = canBeStructural ? yield* validateStructural(schema, path, patterns(judge)) : [];
  const isStructural = canBeStructural && structure.length === 0;
  const defaults = isStructural && judge.validateDefaults ? yield* judge.validateDefaults(schema, path, context) : [];
  const keys = wantsKeys(context.old);
  yield;
  const found = yield* validateOpenAPISchema(schema, keys, path);
  const errors = [...structure, ...defaults, ...found.errors];
  if (!isStructural || defaults.length > 0 || !judge.validateRules) return errors;
  const isFaulty = (at: Path) => found.faulty.has(at.toString());
  return [...errors, ...(yield* judge.validateRules(schema, path, context, isFaulty))];
}

const patterns = (judge: SchemaJudge) => (pattern: string) => judge.patternProblem?.(pattern);
