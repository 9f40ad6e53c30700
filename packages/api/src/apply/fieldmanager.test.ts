import { expect, test } from 'vitest';
import { StatusError } from '../errors.ts';
import type { KubeObject } from '../object.ts';
import type { Pieces } from '../pieces.ts';
import { typeOfKind } from '../schema.ts';
import { FieldManager, type FieldManagerOptions } from './fieldmanager.ts';
import { applySchemaOf } from './schema.ts';

const configMap = applySchemaOf(typeOfKind('', 'v1', 'ConfigMap')!);
const deployment = applySchemaOf(typeOfKind('apps', 'v1', 'Deployment')!);
const only = (apiVersion: string, schema: typeof configMap): FieldManagerOptions['versions'] => ({
  schema: (v) => (v === apiVersion ? schema : undefined),
  convert: (object) => object,
});
const maps = new FieldManager({
  kind: { group: '', version: 'v1', kind: 'ConfigMap' },
  empty: { metadata: {} },
  versions: only('v1', configMap),
});
const deploymentOptions: FieldManagerOptions = {
  kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
  empty: {
    metadata: {},
    spec: { selector: null, template: { metadata: {}, spec: { containers: null } }, strategy: {} },
    status: {},
  },
  versions: only('apps/v1', deployment),
};
const deployments = new FieldManager({ ...deploymentOptions, resetFields: { 'apps/v1': { 'f:status': {} } } });
const status = new FieldManager({
  ...deploymentOptions,
  subresource: 'status',
  resetFields: { 'apps/v1': { 'f:spec': {}, 'f:metadata': { 'f:labels': {} } } },
});

const at = (second: number) => `2026-01-01T00:00:0${second}Z`;
const map = (data: object | undefined, metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', ...metadata },
  ...(data === undefined ? {} : { data }),
});
const stored = (object: KubeObject): KubeObject => ({ ...object, metadata: { ...object.metadata, uid: 'u' } });
/** `manager Update 1 {"f:data":{}}`: the second is that of the time. */
const owners = (object: KubeObject) =>
  (object.metadata.managedFields ?? []).map(
    (e) =>
      `${e.manager}${e.subresource ? `/${e.subresource}` : ''} ${e.operation} ${e.time?.at(-2) ?? '-'} ${JSON.stringify(e.fieldsV1)}`,
  );
const failure = (run: () => unknown): StatusError => {
  try {
    run();
  } catch (e) {
    if (e instanceof StatusError) return e;
    throw e;
  }
  throw new Error('it did not fail');
};

test('a create owns what it writes, but for what identifies the object', () => {
  const object = maps.update(undefined, map({ x: '1', y: '2' }, { labels: { a: 'b' } }), 'm', at(1));
  expect(owners(object)).toEqual([
    'm Update 1 {"f:data":{".":{},"f:x":{},"f:y":{}},"f:metadata":{"f:labels":{".":{},"f:a":{}}}}',
  ]);
});

test('a create of nothing has no owner', () => {
  expect(owners(maps.update(undefined, map(undefined), 'm', at(1)))).toEqual([]);
});

test('updates move fields between managers', () => {
  const created = stored(maps.update(undefined, map({ x: '1', y: '2' }), 'a', at(1)));
  const changed = maps.update(created, { ...created, data: { x: '9', y: '2' } }, 'b', at(2));
  expect(owners(changed)).toEqual(['a Update 1 {"f:data":{".":{},"f:y":{}}}', 'b Update 2 {"f:data":{"f:x":{}}}']);
  const gone = maps.update(changed, { ...changed, data: { y: '2' } }, 'c', at(3));
  expect(owners(gone)).toEqual(['a Update 1 {"f:data":{".":{},"f:y":{}}}']);
  const same = maps.update(changed, changed, 'c', at(3));
  expect(same).toEqual(changed);
});

test('what a client sends as managedFields', () => {
  const live = stored(maps.update(undefined, map({ x: '1' }), 'a', at(1)));
  const send = (managedFields: unknown) =>
    owners(maps.update(live, map({ x: '1', y: '1' }, { uid: 'u', managedFields }), 'b', at(2)));
  const kept = ['a Update 1 {"f:data":{".":{},"f:x":{}}}', 'b Update 2 {"f:data":{"f:y":{}}}'];
  expect(send(undefined)).toEqual(kept);
  expect(send(null)).toEqual(kept);
  expect(send(live.metadata.managedFields)).toEqual(kept);
  expect(send([{ manager: 'z', operation: 'Nope' }])).toEqual(kept);
  expect(send([])).toEqual([]);
  expect(send([{}])).toEqual([]);
  const edited = [
    {
      manager: 'z',
      operation: 'Update',
      apiVersion: 'v1',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:data': { 'f:x': {} } },
    },
  ];
  expect(send(edited)).toEqual(['z Update - {"f:data":{"f:x":{}}}', 'b Update 2 {"f:data":{"f:y":{}}}']);
});

test('an object without owners stays without', () => {
  const live = stored(map({ x: '1' }));
  expect(owners(maps.update(live, { ...live, data: { x: '2' } }, 'm', at(1)))).toEqual([]);
});

test('managers at versions that are not served any more are forgotten', () => {
  const live = stored(
    map(
      { x: '1' },
      {
        managedFields: [
          {
            manager: 'old',
            operation: 'Update',
            apiVersion: 'v0',
            fieldsType: 'FieldsV1',
            fieldsV1: { 'f:data': { 'f:x': {} } },
          },
        ],
      },
    ),
  );
  expect(owners(maps.update(live, { ...live, data: { x: '2' } }, 'm', at(1)))).toEqual([
    'm Update 1 {"f:data":{"f:x":{}}}',
  ]);
});

test('a subresource owns what it writes, under its own name', () => {
  const object: KubeObject = {
    ...deploymentOptions.empty,
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'a' },
  };
  const live = stored(deployments.update(undefined, { ...object, status: { replicas: 1 } }, 'm', at(1)));
  expect(owners(live)).toEqual([]);
  const managed = stored(
    deployments.update(undefined, { ...object, metadata: { name: 'a', labels: { a: '1' } } }, 'm', at(1)),
  );
  const next = {
    ...managed,
    metadata: { ...managed.metadata, labels: { a: '2' }, managedFields: [] },
    status: { replicas: 1 },
  };
  expect(owners(status.update(managed, next, 's', at(2)))).toEqual([
    'm Update 1 {"f:metadata":{"f:labels":{".":{},"f:a":{}}}}',
    's/status Update 2 {"f:status":{"f:replicas":{}}}',
  ]);
});

test('apply: create, change, drop', () => {
  const created = maps.apply(undefined, map({ x: '1', y: '2' }), 'm', false, at(1));
  expect(created).toMatchObject(map({ x: '1', y: '2' }));
  expect(owners(created)).toEqual(['m Apply 1 {"f:data":{"f:x":{},"f:y":{}}}']);
  const dropped = maps.apply(stored(created), map({ x: '1' }), 'm', false, at(2));
  expect(dropped.data).toEqual({ x: '1' });
  expect(owners(dropped)).toEqual(['m Apply 2 {"f:data":{"f:x":{}}}']);
  const emptied = maps.apply(stored(dropped), map(undefined), 'm', false, at(3));
  expect(emptied).not.toHaveProperty('data');
  expect(owners(emptied)).toEqual([]);
});

test('apply: the same again changes nothing', () => {
  const live = stored(maps.apply(undefined, map({ x: '1' }), 'm', false, at(1)));
  expect(maps.apply(live, map({ x: '1' }), 'm', false, at(2))).toEqual(live);
});

test('apply: fields may be shared, and go with their last owner', () => {
  const first = stored(maps.apply(undefined, map({ x: '1' }), 'a', false, at(1)));
  const second = maps.apply(first, map({ x: '1' }), 'b', false, at(2));
  expect(owners(second)).toEqual(['b Apply - {"f:data":{"f:x":{}}}', 'a Apply 1 {"f:data":{"f:x":{}}}']);
  const third = maps.apply(second, map(undefined), 'a', false, at(3));
  expect(third.data).toEqual({ x: '1' });
  expect(owners(third)).toEqual(['b Apply - {"f:data":{"f:x":{}}}']);
});

test('apply: conflicts, each a cause, by manager', () => {
  const live = stored(maps.update(undefined, map({ x: '1', y: '2' }), 'u', at(1)));
  const one = failure(() => maps.apply(live, map({ x: '9' }), 'm', false, at(2)));
  expect(one.toStatus()).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Apply failed with 1 conflict: conflict with "u" using v1: .data.x',
    reason: 'Conflict',
    details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "u" using v1', field: '.data.x' }] },
    code: 409,
  });
  const other = stored(maps.apply(live, map({ z: '3' }), 'a', false, at(2)));
  expect(failure(() => maps.apply(other, map({ x: '9', y: '9', z: '9' }), 'm', false, at(3))).message).toBe(
    'Apply failed with 3 conflicts: conflicts with "a":\n- .data.z\nconflicts with "u" using v1:\n- .data.x\n- .data.y',
  );
  expect(owners(maps.apply(live, map({ x: '9' }), 'm', true, at(2)))).toEqual([
    'm Apply 2 {"f:data":{"f:x":{}}}',
    'u Update 1 {"f:data":{".":{},"f:y":{}}}',
  ]);
});

test('apply: what nobody owned belongs to before-first-apply', () => {
  const live = stored(map({ x: '1' }));
  expect(owners(maps.apply(live, map({ y: '1' }), 'm', false, at(1)))).toEqual([
    'm Apply 1 {"f:data":{"f:y":{}}}',
    'before-first-apply Update 1 {"f:data":{".":{},"f:x":{}}}',
  ]);
  expect(failure(() => maps.apply(live, map({ x: '2' }), 'm', false, at(1))).message).toContain(
    'conflict with "before-first-apply" using v1: .data.x',
  );
});

test('apply: items keep their order, and the order of the configuration', () => {
  const pod = (...names: string[]) => ({
    spec: { template: { spec: { containers: names.map((name) => ({ name })) } } },
  });
  const apply = (live: KubeObject | undefined, manager: string, ...names: string[]) =>
    stored(
      deployments.apply(
        live,
        { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' }, ...pod(...names) },
        manager,
        true,
        at(1),
      ),
    );
  const names = (object: KubeObject) =>
    (object as unknown as ReturnType<typeof pod>).spec.template.spec.containers.map((c) => c.name).join('');
  const live = apply(undefined, 'm', 'a', 'b', 'c');
  expect(names(apply(live, 'n', 'x', 'b'))).toBe('axbc');
  expect(names(apply(live, 'n', 'c', 'a'))).toBe('bca');
  expect(names(apply(live, 'm', 'c', 'a'))).toBe('ca');
});

test.each<[string, unknown, number, string]>([
  ['no kind', {}, 400, 'invalid object type: /, Kind='],
  ['no version', { kind: 'ConfigMap' }, 400, 'invalid object type: /, Kind=ConfigMap'],
  ['a bad version', { apiVersion: 'a/b/c', kind: 'ConfigMap' }, 400, 'invalid object type: /, Kind='],
  ['another kind', { apiVersion: 'apps/v1', kind: 'Deployment' }, 400, 'invalid object type: apps/v1, Kind=Deployment'],
  ['managedFields', map({}, { managedFields: [] }), 400, 'metadata.managedFields must be nil'],
  [
    'a wrong scalar',
    map({ x: 1 }),
    500,
    'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data.x: expected string, got &value.valueUnstructured{Value:1}',
  ],
  [
    'no map',
    { ...map({}, { namespace: 'n' }), data: 'str' },
    500,
    'failed to create typed patch object (n/a; /v1, Kind=ConfigMap): .data: expected map, got &{str}',
  ],
  [
    'no list',
    map({}, { finalizers: { a: 1 } }),
    500,
    'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .metadata.finalizers: expected list, got &{map[a:1]}',
  ],
  [
    'no boolean',
    { ...map({}), immutable: 'x' },
    500,
    'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .immutable: expected boolean, got &{x}',
  ],
  [
    'no number',
    map({}, { generation: 'x' }),
    500,
    'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .metadata.generation: expected numeric (int or float), got string',
  ],
  [
    'an unknown field',
    { ...map({}), zip: 1 },
    500,
    'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .zip: field not declared in schema',
  ],
  [
    'duplicates',
    map({}, { finalizers: ['a', 'a'] }),
    500,
    'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .metadata.finalizers: duplicate entries for key [="a"]',
  ],
  [
    'two faults',
    map({ x: 1, y: true }),
    500,
    'failed to create typed patch object (/a; /v1, Kind=ConfigMap): errors:\n' +
      '  .data.x: expected string, got &value.valueUnstructured{Value:1}\n' +
      '  .data.y: expected string, got &value.valueUnstructured{Value:true}',
  ],
])('apply of %s', (_, config, code, message) => {
  expect(failure(() => maps.apply(undefined, config, 'm', false, at(1)))).toMatchObject({ code, message });
});

test('apply: managedFields of null are fine', () => {
  expect(maps.apply(undefined, map({ x: '1' }, { managedFields: null }), 'm', false, at(1)).data).toEqual({ x: '1' });
});

test('kubectl goes from client-side to server-side apply without conflicts', () => {
  const key = 'kubectl.kubernetes.io/last-applied-configuration';
  const annotations = { [key]: JSON.stringify(map({ x: '1', y: '2' })) };
  const live = stored(
    maps.update(undefined, map({ x: '1', y: '2' }, { annotations }), 'kubectl-client-side-apply', at(1)),
  );
  const applied = maps.apply(live, map({ x: '7' }), 'kubectl', false, at(2));
  expect(applied.data).toEqual({ x: '7', y: '2' });
  expect(applied.metadata.annotations![key]).toBe(
    '{"apiVersion":"v1","data":{"x":"7"},"kind":"ConfigMap","metadata":{"name":"a"}}\n',
  );
  expect(failure(() => maps.apply(live, map({ x: '7' }), 'other', false, at(2))).code).toBe(409);
  const since = maps.update(live, { ...live, data: { x: '5', y: '5' } }, 'someone', at(2));
  const left = failure(() => maps.apply(since, map({ x: '7', y: '7' }), 'kubectl', false, at(3)));
  expect(left.message).toContain('Apply failed with 2 conflicts');
});

test('managers of another version own fields as they are called there', () => {
  // In version v2 of these maps `data` is called `binaryData`.
  const rename = (object: object, from: string, to: string, apiVersion: string) => {
    const { [from]: value, ...rest } = object as Record<string, unknown>;
    return { ...rest, apiVersion, ...(value === undefined ? {} : { [to]: value }) };
  };
  const versions: FieldManagerOptions['versions'] = {
    schema: (v) => (v === 'v1' || v === 'v2' ? configMap : undefined),
    convert: (object, v) =>
      v === 'v2' ? rename(object, 'data', 'binaryData', 'v2') : rename(object, 'binaryData', 'data', 'v1'),
  };
  const at1 = new FieldManager({
    kind: { group: '', version: 'v1', kind: 'ConfigMap' },
    empty: { metadata: {} },
    versions,
  });
  const at2 = new FieldManager({
    kind: { group: '', version: 'v2', kind: 'ConfigMap' },
    empty: { metadata: {} },
    versions,
  });
  const config = { apiVersion: 'v2', kind: 'ConfigMap', metadata: { name: 'a' }, binaryData: { x: '1', y: '2' } };
  const applied = at2.apply(undefined, config, 'm', false, at(1));
  const live = stored(versions.convert(applied, 'v1') as KubeObject);
  const changed = at1.update(live, { ...live, data: { x: '9', y: '2' } }, 'u', at(2));
  expect(owners(changed)).toEqual(['m Apply 1 {"f:binaryData":{"f:y":{}}}', 'u Update 2 {"f:data":{"f:x":{}}}']);
  expect(failure(() => at1.apply(changed, map({ y: '3' }), 'n', false, at(3))).message).toBe(
    'Apply failed with 1 conflict: conflict with "m": .binaryData.y',
  );
  const dropped = at1.apply(changed, map({ z: '1' }), 'm', false, at(3));
  expect(dropped.data).toEqual({ x: '9', z: '1' });
  expect(owners(dropped)).toEqual(['m Apply 3 {"f:data":{"f:z":{}}}', 'u Update 2 {"f:data":{"f:x":{}}}']);
});

test('an object that was read without its schema, and does not fit it, is stored without managers', () => {
  const untyped = new FieldManager({
    kind: { group: '', version: 'v1', kind: 'ConfigMap' },
    empty: { metadata: {} },
    isUntyped: true,
    versions: only('v1', configMap),
  });
  const fits = stored(untyped.update(undefined, map({ x: '1' }), 'm', at(1)));
  expect(owners(fits)).toEqual(['m Update 1 {"f:data":{".":{},"f:x":{}}}']);
  const misfit = untyped.update(fits, { ...fits, data: { x: ['1'] } } as KubeObject, 'm', at(2));
  expect(owners(misfit)).toEqual([]);
  const mended = { ...fits, data: { x: '2' } };
  expect(owners(untyped.update({ ...fits, data: { x: ['1'] } } as KubeObject, mended, 'm', at(3)))).toEqual([]);
});

/** How many pieces there are, and what they come to. */
function piecesOf<T>(work: Pieces<T>): { pieces: number; result: T } {
  for (let pieces = 1; ; pieces++) {
    const step = work.next();
    if (step.done) return { pieces, result: step.value };
  }
}

test('a write is done in pieces, of which an apply that prunes has most', () => {
  const live = stored(maps.update(undefined, map({ x: '1' }), 'm', at(1)));
  const updating = piecesOf(maps.updating(live, map({ x: '2' }), 'n', at(2)));
  expect(updating.result).toEqual(maps.update(live, map({ x: '2' }), 'n', at(2)));
  expect(updating.pieces).toBeGreaterThan(6);
  const applied = stored(maps.apply(live, map({ y: '1', z: '1' }), 'a', false, at(2)));
  const applying = piecesOf(maps.applying(applied, map({ y: '2' }), 'a', false, at(3)));
  expect(applying.result).toEqual(maps.apply(applied, map({ y: '2' }), 'a', false, at(3)));
  expect(applying.result.data).toEqual({ x: '1', y: '2' });
  expect(applying.pieces).toBeGreaterThan(25);
});
