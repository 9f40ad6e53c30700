import type {
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
} from '@keelson/api/generated/types/apiextensions/v1';
import { atOnce } from '@keelson/api/pieces';
import { describe, expect, it } from 'vitest';
import { schemaJudge } from '../../../crd/schema/index.ts';
import { testContext, texts } from '../../testing.ts';
import { schemaAt } from './fieldpath.ts';
import { makeCustomResourceDefinitionRegistration } from './index.ts';
import { validateCustomResourceDefinition, validateCustomResourceDefinitionUpdate } from './validation.ts';

const ctx = testContext();
const { strategy, subresources } = makeCustomResourceDefinitionRegistration({});
const schema = { openAPIV3Schema: { type: 'object' } };
const version = (rest: Partial<CustomResourceDefinitionVersion> = {}): CustomResourceDefinitionVersion => ({
  name: 'v1',
  served: true,
  storage: true,
  schema,
  ...rest,
});

function make(rest: Partial<CustomResourceDefinitionSpec> = {}, name = 'foos.example.com'): CustomResourceDefinition {
  const obj: CustomResourceDefinition = {
    metadata: { name },
    spec: {
      group: 'example.com',
      names: { plural: 'foos', kind: 'Foo' },
      scope: 'Namespaced',
      versions: [version()],
      ...structuredClone(rest),
    },
    status: { conditions: null, acceptedNames: { plural: '', kind: '' }, storedVersions: null },
  };
  strategy.defaults?.(obj, 'v1');
  strategy.prepareForCreate?.(ctx, obj);
  return obj;
}

/** What is wrong with a definition, or with its update. */
function judged(obj: CustomResourceDefinition, old?: CustomResourceDefinition, by = strategy): string[] {
  return texts(atOnce(by.judge!(ctx, obj, old, () => {})));
}

const VERSION = (name: string, storage: boolean) =>
  `{"Name":"${name}","Served":true,"Storage":${storage},"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}`;

it('fills in names, conversion and the stored version', () => {
  const { spec, status, metadata } = make();
  expect(spec.names).toEqual({ plural: 'foos', singular: 'foo', kind: 'Foo', listKind: 'FooList' });
  expect(spec.conversion).toEqual({ strategy: 'None' });
  expect(status.storedVersions).toEqual(['v1']);
  expect(metadata.generation).toBe(1);
});

describe('validation', () => {
  it.each<[Partial<CustomResourceDefinitionSpec>, string[]]>([
    [{}, []],
    [
      { group: 'x', names: { plural: 'foos', kind: 'Foo' } },
      ['spec.group: Invalid value: "x": should be a domain with at least one dot'],
    ],
    [{ scope: 'x' }, ['spec.scope: Unsupported value: "x": supported values: "Cluster", "Namespaced"']],
    [
      { names: { plural: 'foos', kind: 'Foo', listKind: 'Foo' } },
      ['spec.names.listKind: Invalid value: "Foo": kind and listKind may not be the same'],
    ],
    [
      { versions: [] },
      [
        'spec.versions: Invalid value: []: must have exactly one version marked as storage version',
        'status.storedVersions: Invalid value: null: must have at least one stored version',
      ],
    ],
    [
      { versions: [version(), version({ storage: false })] },
      [
        `spec.versions: Invalid value: [${VERSION('v1', true)},${VERSION('v1', false)}]: must contain unique version names`,
      ],
    ],
    [{ versions: [version({ schema: undefined })] }, ['spec.versions[0].schema.openAPIV3Schema: Required value']],
    [
      {
        versions: [version({ schema: { openAPIV3Schema: { type: 'object', default: {} } } })],
        preserveUnknownFields: true,
      },
      [
        'spec.preserveUnknownFields: Invalid value: true: must be false in order to use defaults in the schema',
        'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ],
    ],
    [
      { versions: [version({ deprecationWarning: 'x' })] },
      ['spec.versions[0].deprecationWarning: Invalid value: "x": can only be set for deprecated versions'],
    ],
    [
      { versions: [version({ additionalPrinterColumns: [{ name: '', type: 'x', jsonPath: 'a' }] })] },
      [
        'spec.additionalPrinterColumns[0].name: Required value',
        'spec.additionalPrinterColumns[0].type: Invalid value: "x": must be one of boolean,date,integer,number,string',
        'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "a": must be a simple json path starting with .',
      ],
    ],
    [
      { versions: [version({ subresources: { scale: { specReplicasPath: '.a', statusReplicasPath: '' } } })] },
      [
        'spec.subresources.scale.specReplicasPath: Invalid value: ".a": should be a json path under .spec',
        'spec.subresources.scale.statusReplicasPath: Required value',
      ],
    ],
    [
      { versions: [version({ selectableFields: [{ jsonPath: '.a' }] })] },
      ['spec.selectableFields[0].jsonPath: Invalid value: ".a": is an invalid path: does not refer to a valid field'],
    ],
    [
      { versions: [version({ selectableFields: [{ jsonPath: '' }], schema: {} })] },
      ['spec.versions[0].schema.openAPIV3Schema: Required value', 'spec.selectableFields[0].jsonPath: Required value'],
    ],
    [
      {
        versions: [
          version({
            selectableFields: [{ jsonPath: '.a.b' }, { jsonPath: '.c.d' }],
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  a: { type: 'object', additionalProperties: true },
                  c: { type: 'object', properties: {}, additionalProperties: { type: 'string' } },
                },
              },
            },
          }),
        ],
      },
      [
        'spec.selectableFields[0].jsonPath: Invalid value: ".a.b": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
      ],
    ],
    [
      {
        versions: [
          version({
            selectableFields: [{ jsonPath: '.a' }],
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: { a: { type: 'string' } },
                additionalItems: {},
                'x-kubernetes-validations': [{ rule: 'true', fieldPath: '.b' }],
              },
            },
          }),
        ],
      },
      [
        'spec.validation.openAPIV3Schema.additionalItems: Forbidden: additionalItems is not supported',
        'spec.schema.openAPIV3Schema: Invalid value: "": OpenAPIV3Schema \'additionalItems\' is not supported',
      ],
    ],
    [
      {
        versions: [
          version({ subresources: { status: {} }, schema: { openAPIV3Schema: { type: 'object', nullable: false } } }),
        ],
      },
      [],
    ],
    [
      { versions: [version({ subresources: { status: {} }, schema: { openAPIV3Schema: { type: 'string' } } })] },
      [
        'spec.validation.openAPIV3Schema.type: Invalid value: "string": only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
        'spec.validation.openAPIV3Schema.type: Invalid value: "string": must be object at the root',
      ],
    ],
    [
      { conversion: { strategy: 'Webhook' } },
      [
        'spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook',
        'spec.conversion.conversionReviewVersions: Required value',
      ],
    ],
    [
      {
        conversion: {
          strategy: 'Webhook',
          webhook: { clientConfig: { service: { namespace: 'n', name: 's' } }, conversionReviewVersions: ['v3', 'v3'] },
        },
      },
      [
        'spec.conversion.conversionReviewVersions[1]: Invalid value: "v3": duplicate version',
        'spec.conversion.conversionReviewVersions: Invalid value: ["v3","v3"]: must include at least one of v1, v1beta1',
      ],
    ],
    [
      { versions: [version(), version()] },
      [
        `spec.versions: Invalid value: [${VERSION('v1', true)},${VERSION('v1', true)}]: must contain unique version names`,
        `spec.versions: Invalid value: [${VERSION('v1', true)},${VERSION('v1', true)}]: must have exactly one version marked as storage version`,
        'status.storedVersions: Invalid value: ["v1"]: must have the storage version v1',
      ],
    ],
    [
      { versions: null as never },
      [
        'spec.versions: Invalid value: null: must have exactly one version marked as storage version',
        'status.storedVersions: Invalid value: null: must have at least one stored version',
      ],
    ],
  ])('%#', (rest, expected) => expect(judged(make(rest))).toEqual(expected));

  it('asks about the rules of what nothing else is wrong with', () => {
    const faults: string[] = [];
    const { strategy } = makeCustomResourceDefinitionRegistration({
      *validateRules(_schema, path, _context, isFaulty) {
        yield;
        const properties = path.child('properties');
        const list = properties.key('b');
        const all = [path, properties.key('a'), properties.key('ab'), list, list.child('items')];
        faults.push(...all.filter(isFaulty).map(String));
        return [];
      },
    });
    const text = { type: 'string' };
    // That of the list is wrong with the list, not with its items, though it is told of there.
    const b = { type: 'array', items: text, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] };
    const openAPIV3Schema = { type: 'object', properties: { a: { ...text, uniqueItems: true }, ab: text, b } };
    expect(judged(make({ versions: [version({ schema: { openAPIV3Schema } })] }), undefined, strategy)).toEqual([
      'spec.validation.openAPIV3Schema.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      'spec.validation.openAPIV3Schema.properties[b].items.type: Invalid value: "string": must be object if parent array\'s x-kubernetes-list-type is map',
    ]);
    const root = 'spec.validation.openAPIV3Schema';
    expect(faults).toEqual([root, `${root}.properties[a]`, `${root}.properties[b]`]);
  });

  it('judges definitions in pieces: each schema is one, each time it is looked at', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`p${i}`, { type: 'string', default: 'x' }]),
    );
    const openAPIV3Schema = { type: 'object', properties: { spec: { type: 'object', properties } } };
    const obj = make({ versions: [version({ schema: { openAPIV3Schema } })] });
    const piecesOf = (old?: CustomResourceDefinition) => {
      const judge = schemaJudge();
      let pieces = 0;
      const judging = old
        ? validateCustomResourceDefinitionUpdate(obj, old, judge)
        : validateCustomResourceDefinition(obj, judge);
      for (const _ of judging) pieces++;
      return pieces;
    };
    // Whether it is structural, what its defaults are, whether it is a schema.
    expect(piecesOf()).toBeGreaterThan(300);
    expect(piecesOf(make())).toBeGreaterThan(300);
  });

  it("wants approval for the community's groups", () =>
    expect(judged(make({ group: 'x.k8s.io' }, 'foos.x.k8s.io'))).toEqual([
      'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
    ]));
});

describe('schemas', () => {
  const X = 'spec.validation.openAPIV3Schema.properties[x]';
  it.each<[JSONSchemaProps, string[]]>([
    [{ type: 'string' }, []],
    [{}, [`${X}.type: Required value: must not be empty for specified object fields`]],
    [{ type: 'array' }, [`${X}.items: Required value: must be specified`]],
    [{ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }, []],
    [
      { type: 'string', not: { default: 'a', type: 'string' } },
      [
        `${X}.not.default: Forbidden: must be undefined to be structural`,
        `${X}.not.type: Forbidden: must be empty to be structural`,
      ],
    ],
    [{ type: 'object', $ref: '#/a' }, [`${X}.$ref: Forbidden: $ref is not supported`]],
    [
      { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: { type: 'string' } },
      [`${X}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`],
    ],
    [
      { type: 'object', 'x-kubernetes-embedded-resource': true },
      [
        `${X}.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields`,
      ],
    ],
    [
      {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k', 'z', 'k'],
        items: { type: 'object', properties: { k: { type: 'object' } } },
      },
      [
        `${X}.items.properties[k].type: Invalid value: "object": must be a scalar type if parent array's x-kubernetes-list-type is map`,
        `${X}.x-kubernetes-list-map-keys: Invalid value: ["k","z","k"]: entries must all be names of item properties`,
        `${X}.items.properties[k].type: Invalid value: "object": must be a scalar type if parent array's x-kubernetes-list-type is map`,
        `${X}.x-kubernetes-list-map-keys: Invalid value: ["k","z","k"]: must not contain duplicate entries`,
        ...['k', 'k'].map(
          (k) =>
            `${X}.items.properties[${k}].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
        ),
      ],
    ],
    [
      { type: 'string', 'x-kubernetes-validations': [{ rule: ' ' }, { rule: 'a\nb' }, { rule: 'a', fieldPath: '.a' }] },
      [
        `${X}.x-kubernetes-validations[0].rule: Required value: rule is not specified`,
        `${X}.x-kubernetes-validations[1].message: Required value: message must be specified if rule contains line breaks`,
        `${X}.x-kubernetes-validations[2].fieldPath: Invalid value: ".a": must be a valid path`,
      ],
    ],
  ])('%j', (x, expected) => {
    const openAPIV3Schema = { type: 'object', properties: { x } };
    const obj = make({ versions: [version({ schema: { openAPIV3Schema } })] });
    expect(judged(obj)).toEqual(expected);
  });

  it('restrict at the root what is specified alone', () => {
    const openAPIV3Schema = { type: 'object', allOf: [{ properties: { a: {} } }] };
    const path = 'spec.validation.openAPIV3Schema';
    expect(judged(make({ versions: [version({ schema: { openAPIV3Schema } })] }))).toEqual([
      `${path}.properties[a]: Required value: because it is defined in ${path}.allOf[0].properties[a]`,
    ]);
  });

  it.each<[string, string]>([
    ['.a', 'string'],
    [".m['x.y']", 'integer'],
    ['.m.z', 'integer'],
    ['.b', 'does not refer to a valid field'],
    ['a', 'expected [ or . but got: a'],
    ['.a.', 'unexpected end of JSON path'],
    ['.m[x]', 'expected single quoted string but got x'],
    [".m['x'", 'unexpected end of JSON path'],
  ])('%s is a path to %s', (path, expected) => {
    const found = schemaAt(path, {
      properties: { a: { type: 'string' }, m: { type: 'object', additionalProperties: { type: 'integer' } } },
    });
    expect(typeof found === 'string' ? found : found.type).toBe(expected);
  });
});

describe('updates', () => {
  it('may not change what established objects are stored by', () => {
    const old = make();
    old.status.conditions = [{ type: 'Established', status: 'True' }];
    const changed = make({ scope: 'Cluster', names: { plural: 'foos', kind: 'Bar' } });
    expect(judged(changed, old)).toEqual([
      'spec.scope: Invalid value: "Cluster": field is immutable',
      'spec.names.kind: Invalid value: "Bar": field is immutable',
    ]);
  });

  it('remember every version that was stored', () => {
    const changed = make({ versions: [version({ name: 'v2' })] });
    strategy.prepareForUpdate?.(ctx, changed, make());
    expect(changed.status.storedVersions).toEqual(['v1', 'v2']);
    expect(changed.metadata.generation).toBe(2);
    expect(judged(changed, make())).toEqual([
      expect.stringMatching(/^status\.storedVersions\[0\]: Invalid value: "v1": missing from spec\.versions; v1 was/),
    ]);
  });

  it('have no webhook of which nothing is said', () => {
    const changed = make({ conversion: { strategy: 'None', webhook: { conversionReviewVersions: [] } } });
    expect(changed.spec.conversion).toEqual({ strategy: 'None' });
  });

  it('of the status check accepted names', () => {
    const obj = make();
    obj.status.acceptedNames.plural = 'A';
    expect(texts(subresources!.status!.strategy.validateUpdate?.(ctx, obj, make()))).toEqual([
      expect.stringContaining('status.acceptedNames.plural: Invalid value: "A"'),
    ]);
  });
});

it('warns of formats that nobody knows', () => {
  const properties = { a: { type: 'string', format: 'x' }, b: { type: 'integer', format: 'int32' } };
  const obj = make({ versions: [version({ schema: { openAPIV3Schema: { type: 'object', properties } } })] });
  expect(strategy.warningsOnCreate?.(ctx, obj)).toEqual(['unrecognized format "x"']);
  expect(strategy.warningsOnUpdate?.(ctx, obj, obj)).toEqual([]);
});

it('is deleted after its objects', () => {
  const obj = make();
  obj.metadata.deletionTimestamp = '2026-01-02T03:04:05Z';
  strategy.termination?.begin(obj);
  expect(obj.metadata.finalizers).toEqual(['customresourcecleanup.apiextensions.k8s.io']);
  expect(obj.status.conditions).toMatchObject([{ type: 'Terminating', reason: 'InstanceDeletionPending' }]);
});

describe('definitions of former versions', () => {
  const bare = (preserveUnknownFields: boolean, ...schemas: (JSONSchemaProps | undefined)[]) => {
    const obj = make({
      preserveUnknownFields,
      versions: schemas.map((openAPIV3Schema, i) => {
        const { schema: _, ...rest } = version({ name: `v${i + 1}`, storage: i === 0 });
        return { ...rest, ...(openAPIV3Schema && { schema: { openAPIV3Schema } }) };
      }),
    });
    return obj;
  };
  const vague: JSONSchemaProps = { type: 'object', properties: { a: {} } };
  const changed: JSONSchemaProps = { ...vague, description: 'x' };
  const keyed = (maxItems: number): JSONSchemaProps => {
    const items = { type: 'object', properties: { k: { type: 'string' } } };
    const lists = { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] };
    return { type: 'object', properties: { a: { type: 'array', items, maxItems, ...lists } } };
  };
  const missingType = [
    'spec.validation.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields',
  ];
  it.each<[string, CustomResourceDefinition, CustomResourceDefinition, string[]]>([
    ['may lack schemas', bare(true, undefined), bare(true, undefined), []],
    [
      'may not lack them where fields are pruned',
      bare(false, undefined),
      bare(true, undefined),
      ['spec.versions[0].schema.openAPIV3Schema: Required value: because otherwise all fields are pruned'],
    ],
    [
      'may not lose them',
      bare(true, undefined),
      bare(true, vague),
      ['spec.versions[0].schema.openAPIV3Schema: Required value'],
    ],
    ['may leave types open', bare(true, changed), bare(true, vague), []],
    ['may not leave them open where fields are pruned', bare(false, changed), bare(true, vague), missingType],
    ['may not begin to', bare(true, vague), bare(true, schema.openAPIV3Schema), missingType],
    [
      'may not leave them open beside extensions',
      bare(true, { ...vague, 'x-kubernetes-preserve-unknown-fields': true }),
      bare(true, vague),
      missingType,
    ],
    ['may have keys that items can lack', bare(false, keyed(2)), bare(false, keyed(1)), []],
    [
      'may not begin to',
      bare(false, keyed(1)),
      bare(false, schema.openAPIV3Schema),
      [
        'spec.validation.openAPIV3Schema.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
      ],
    ],
  ])('%s', (_, obj, old, expected) => expect(judged(obj, old)).toEqual(expected));
});
