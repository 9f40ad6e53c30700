import { jsonText } from '@keelson/api/codec/json';
import type { KubeObject } from '@keelson/api/object';
import { describe, expect, it } from 'vitest';
import { MEDIA_TYPES, negotiate } from '../http/negotiate.ts';
import { Elapsed, since } from '../registry/columns.ts';
import type { TableCells } from '../registry/strategy.ts';
import {
  checkForm,
  formOf,
  includeObjectOf,
  internalGoType,
  restrictionsFor,
  toPartialObjectMetadata,
} from './form.ts';
import { PrintedRow } from './row.ts';
import { defaultPrinter, type Printer, type TableOptions, tableRow, toTable } from './table.ts';

const describeField = (type: string, field: string) => `${type.split('.').at(-1)}.${field}`;
const NOW = new Date('2026-01-02T00:00:00Z');
const options: TableOptions = { version: 'v1', includeObject: 'Metadata', now: NOW };
const role: KubeObject = {
  kind: 'Role',
  apiVersion: 'rbac.authorization.k8s.io/v1',
  metadata: { name: 'reader', resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z' },
  rules: [],
};
const counting: Printer = {
  columns: [{ name: 'N', type: 'integer', format: '', description: 'n', priority: 1 }],
  row: (object) => ({
    cells: [object.metadata.name ?? '', since('2026-01-01T00:00:00Z')],
    ...(object.metadata.name === 'done' ? { conditions: [{ type: 'Completed', status: 'True' }] } : {}),
  }),
};

describe('toTable', () => {
  it('prints name and time of kinds without columns of their own', () => {
    expect(JSON.stringify(toTable(defaultPrinter(describeField), [role], { resourceVersion: '7' }, options))).toBe(
      '{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"7"},"columnDefinitions":' +
        '[{"name":"Name","type":"string","format":"name","description":"ObjectMeta.name","priority":0},' +
        '{"name":"Created At","type":"date","format":"","description":"ObjectMeta.creationTimestamp","priority":0}],' +
        '"rows":[{"cells":["reader","2026-01-01T00:00:00Z"],"object":{"kind":"PartialObjectMetadata",' +
        '"apiVersion":"meta.k8s.io/v1","metadata":{"name":"reader","resourceVersion":"7",' +
        '"creationTimestamp":"2026-01-01T00:00:00Z"}}}]}',
    );
  });

  it('has no rows, or null where there are no columns of its own', () => {
    expect(toTable(counting, [], {}, options).rows).toEqual([]);
    expect(toTable(defaultPrinter(describeField), [], {}, options).rows).toBeNull();
  });

  it('leaves the columns out after the first event of a watch', () => {
    expect(toTable(counting, [role], {}, { ...options, noHeaders: true }).columnDefinitions).toBeNull();
  });

  it.each([
    ['None', null],
    ['Object', role],
    ['Metadata', { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1beta1', metadata: role.metadata }],
  ] as const)('includes %s', (includeObject, object) => {
    const table = toTable(counting, [role], {}, { ...options, includeObject, version: 'v1beta1' });
    expect(table.apiVersion).toBe('meta.k8s.io/v1beta1');
    expect(table.rows).toEqual([{ cells: ['reader', '24h'], object }]);
  });

  it('keeps the conditions of a row', () => {
    const done = { ...role, metadata: { name: 'done' } };
    expect(toTable(counting, [done], {}, options).rows?.[0]?.conditions).toEqual([
      { type: 'Completed', status: 'True' },
    ]);
  });

  it('includes the metadata of the bookmark that ends the initial events, whatever was asked for', () => {
    const metadata = { resourceVersion: '9', annotations: { 'k8s.io/initial-events-end': 'true' } };
    const table = toTable(defaultPrinter(describeField), [{ metadata }], {}, { ...options, includeObject: 'None' });
    expect(table.rows?.[0]?.cells).toEqual(['', '0001-01-01T00:00:00Z']);
    expect(table.rows?.[0]?.object).toEqual({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata,
    });
  });
});

describe('a printed row', () => {
  const conditions = [{ type: 'Completed', status: 'True', message: 'a & b' }];
  const ended = Date.parse('2026-01-01T23:00:00Z');
  it.each<TableCells>([
    { cells: ['a', 1, true, null] },
    { cells: ['<none>', 'ä"\\', since(undefined)], conditions },
    { cells: [since('2026-01-01T00:00:00Z'), new Elapsed(ended, '3 (', ' ago)'), since('2026-01-03T00:00:00Z')] },
    { cells: [] },
  ])('%j reads as the row does, whenever', (made) => {
    const printer: Printer = { columns: [], row: () => made };
    const row = new PrintedRow(printer, made);
    for (const now of [NOW, new Date('2026-02-02T00:00:00Z')]) {
      const asRow = tableRow(printer, role, { ...options, includeObject: 'None', now });
      expect(`${row.text(now)}null}`).toBe(jsonText(asRow));
    }
  });
});

describe('the form that a client asks for', () => {
  const chosen = (accept: string) => {
    const negotiated = negotiate(accept, restrictionsFor(MEDIA_TYPES));
    return negotiated && `${negotiated.mediaType} ${JSON.stringify(formOf(negotiated.convert))}`;
  };

  it.each([
    ['application/json;as=Table;g=meta.k8s.io;v=v1', 'application/json {"kind":"Table","version":"v1"}'],
    ['application/yaml;as=Table;g=meta.k8s.io;v=v1beta1', 'application/yaml {"kind":"Table","version":"v1beta1"}'],
    ['application/json;as=Table;g=meta.k8s.io;v=v2', undefined],
    ['application/json;as=Table;g=meta.k8s.io;v=v2,application/json', 'application/json {"kind":"Object"}'],
    ['application/json;as=Table;g=;v=v1', undefined],
    ['application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1', undefined],
    [
      'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
      'application/vnd.kubernetes.protobuf {"kind":"PartialObjectMetadata","version":"v1"}',
    ],
  ])('%s', (accept, expected) => expect(chosen(accept)).toBe(expected));

  it('is no table where the endpoint has none', () => {
    const table = 'application/json;as=Table;g=meta.k8s.io;v=v1';
    const noTable = restrictionsFor(MEDIA_TYPES, false);
    expect(negotiate(table, noTable)).toBeUndefined();
    expect(negotiate(`${table},application/json`, noTable)?.convert).toBeUndefined();
    expect(negotiate(table.replace('Table', 'PartialObjectMetadata'), noTable)?.convert).toBeDefined();
  });

  it('falls back from what the endpoint cannot write', () => {
    const jsonOnly = restrictionsFor(['application/json']);
    expect(negotiate('application/vnd.kubernetes.protobuf,application/json', jsonOnly)?.mediaType).toBe(
      'application/json',
    );
  });

  it.each([
    [
      'PartialObjectMetadata',
      true,
      'you requested PartialObjectMetadata, but the requested object is a list (*core.PodList)',
    ],
    [
      'PartialObjectMetadataList',
      false,
      'you requested PartialObjectMetadataList, but the requested object is not a list (*core.PodList)',
    ],
  ] as const)('%s does not suit a list: %s', (kind, isList, message) => {
    expect(() => checkForm({ kind, version: 'v1' }, isList, 'core.PodList')).toThrow(
      expect.objectContaining({ code: 406, message, details: undefined }),
    );
    expect(() => checkForm({ kind, version: 'v1' }, !isList, 'core.PodList')).not.toThrow();
  });
});

it('includeObjectOf reads the query', () => {
  expect(includeObjectOf(new URLSearchParams(''))).toBe('Metadata');
  expect(includeObjectOf(new URLSearchParams('includeObject=None&includeObject=Foo'))).toBe('None');
  expect(() => includeObjectOf(new URLSearchParams('includeObject=Foo'))).toThrow(
    expect.objectContaining({
      code: 400,
      message:
        "Unable to convert to Table as requested: includeObject: Invalid value: \"Foo\": must be 'Metadata', 'Object', 'None', or empty",
    }),
  );
});

it.each([
  ['', 'Pod', 'core.Pod'],
  ['events.k8s.io', 'Event', 'core.Event'],
  ['rbac.authorization.k8s.io', 'Role', 'rbac.Role'],
  ['internal.apiserver.k8s.io', 'StorageVersion', 'apiserverinternal.StorageVersion'],
  ['apps', 'Deployment', 'apps.Deployment'],
])('internalGoType(%j, %j)', (group, kind, name) => expect(internalGoType(group, kind)).toBe(name));

it('toPartialObjectMetadata keeps nothing but metadata', () => {
  expect(toPartialObjectMetadata(role, 'v1')).toEqual({
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: role.metadata,
  });
});
