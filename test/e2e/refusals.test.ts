/** What is refused, and which fault comes first where a request has several: as kube-apiserver (KUBE_APISERVER) answers. */
import { beforeAll, expect, test, vi } from 'vitest';
import { servedApi } from '../support/served.ts';

const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
const MERGE = { 'content-type': 'application/merge-patch+json' };
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const APPLY = { 'content-type': 'application/apply-patch+yaml' };
const NO_TABLE =
  'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf';
const core = '/api/v1/namespaces/default';
const apps = '/apis/apps/v1/namespaces/default';
const widgets = '/apis/shop.example.com/v1/namespaces/default/widgets';
const DEFINITION = {
  metadata: { name: 'widgets.shop.example.com' },
  spec: {
    group: 'shop.example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        subresources: { status: {}, scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n' } },
      },
      {
        name: 'v1beta1',
        served: true,
        storage: false,
        deprecated: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        subresources: { status: {} },
      },
    ],
  },
};
const container = { name: 'c', image: 'i' };
const labels = { a: 'b' };

const client = servedApi('memory');
beforeAll(async () => {
  const template = { metadata: { labels }, spec: { containers: [container] } };
  await client.send('POST', `${core}/serviceaccounts`, { metadata: { name: 'default' } });
  await client.send('POST', `${core}/pods`, { metadata: { name: 'p' }, spec: { containers: [container] } });
  await client.send('POST', `${core}/configmaps`, { metadata: { name: 'c' }, data: { a: '1' } });
  const spec = { selector: { matchLabels: labels }, template };
  await client.send('POST', `${apps}/deployments`, { metadata: { name: 'd' }, spec });
  await client.send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', DEFINITION);
  await vi.waitFor(async () => expect((await client.send('GET', widgets)).status).toBe(200), 10_000);
  await client.send('POST', widgets, { apiVersion: 'shop.example.com/v1', kind: 'Widget', metadata: { name: 'w' } });
}, 60_000);

type Row = readonly [
  method: string,
  path: string,
  body: object | undefined,
  headers: Record<string, string>,
  status: number,
  message: string,
];

function messageOf({ body }: { readonly body: string }): string {
  return (JSON.parse(body) as { message: string }).message;
}

test.each<Row>([
  // A stream, which may be asked for as metadata, once it is found.
  ...(
    [
      ['nope', 'PartialObjectMetadata', 404, 'pods "nope" not found'],
      ['p', 'PartialObjectMetadata', 500, 'object does not implement the Object interfaces'],
      [
        'p',
        'PartialObjectMetadataList',
        406,
        'you requested PartialObjectMetadataList, but the requested object is not a list (*rest.LocationStreamer)',
      ],
    ] as const
  ).map(([name, form, status, message]): Row => {
    const accept = `application/json;as=${form};v=v1;g=meta.k8s.io`;
    return ['GET', `${core}/pods/${name}/log`, undefined, { accept }, status, message];
  }),
  // A name that is no segment of a key, and a resourceVersion that is none: of what is cached, and of events.
  ['GET', `${core}/configmaps/a%ff`, undefined, {}, 404, 'configmaps "a\\xff" not found'],
  ['GET', `${core}/configmaps/a%25b`, undefined, {}, 400, `Name parameter invalid: "a%b": may not contain '%'`],
  [
    'GET',
    `${core}/configmaps/c?resourceVersion=x`,
    undefined,
    {},
    500,
    'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
  ],
  [
    'GET',
    `${core}/events/e?resourceVersion=x`,
    undefined,
    {},
    400,
    'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
  ],
  // A namespace that has no name.
  ['GET', '/api/v1/namespaces//configmaps/c', undefined, {}, 400, 'Namespace parameter required.'],
  ['DELETE', '/api/v1/namespaces//configmaps', undefined, {}, 400, 'Namespace parameter required.'],
  [
    'POST',
    '/api/v1/namespaces//configmaps',
    { metadata: { name: 'x' } },
    {},
    422,
    'ConfigMap "x" is invalid: metadata.namespace: Required value',
  ],
  // Selectors are read before options are judged.
  [
    'GET',
    `${core}/configmaps?labelSelector=a%20b&resourceVersionMatch=Exact`,
    undefined,
    {},
    400,
    "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
  ],
  [
    'POST',
    `${core}/pods`,
    { metadata: { name: 'q' }, spec: { containers: [container], priorityClassName: 'a/b' } },
    {},
    403,
    'pods "q" is forbidden: no PriorityClass with name a/b was found',
  ],
  [
    'GET',
    `${widgets}/w`,
    undefined,
    { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' },
    500,
    'content is not a list',
  ],
  [
    'POST',
    widgets,
    Buffer.from('{"APIVERSION":"shop.example.com/v1","kind":"Widget","metadata":{"name":"x"}}'),
    {},
    400,
    'the API version in the data () does not match the expected API version (shop.example.com/v1)',
  ],
  ['GET', `${core}/pods//status`, undefined, {}, 400, 'name must be provided'],
  [
    'POST',
    `${core}/configmaps`,
    { apiVersion: 'v1/', kind: 'ConfigMap' },
    {},
    400,
    `ConfigMap in version "" cannot be handled as a ConfigMap: Object 'apiVersion' is missing in '{"apiVersion":"v1/","kind":"ConfigMap"}'`,
  ],
  // Custom objects have a type in their metadata alone, and say their kind in one spelling.
  [
    'POST',
    widgets,
    { apiVersion: 'shop.example.com/v1', kind: 'Widget', metadata: 'x' },
    {},
    400,
    'Widget in version "v1" cannot be handled as a Widget: json: cannot unmarshal string into Go value of type v1.ObjectMeta',
  ],
  [
    'GET',
    widgets,
    undefined,
    { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' },
    406,
    'you requested PartialObjectMetadata, but the requested object is a list (*unstructured.UnstructuredList)',
  ],
  // A patch of nothing is not found, whatever it says.
  ['PATCH', `${core}/pods/none`, Buffer.from('x'), MERGE, 404, 'pods "none" not found'],
  ['PATCH', `${core}/pods/none`, ['x'], JSON_PATCH, 404, 'pods "none" not found'],
  [
    'PATCH',
    `${core}/pods/p`,
    ['x'],
    JSON_PATCH,
    400,
    'error decoding patch: json: cannot unmarshal string into Go value of type handlers.jsonPatchOp',
  ],
  [
    'PATCH',
    `${core}/configmaps/none?fieldManager=x`,
    [1],
    APPLY,
    400,
    'error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}',
  ],
  // An update that creates looks at the revision as one that does not.
  [
    'PUT',
    '/apis/rbac.authorization.k8s.io/v1/clusterroles/none',
    { metadata: { name: 'none', resourceVersion: 'x' } },
    {},
    500,
    'strconv.ParseUint: parsing "x": invalid syntax',
  ],
  ['POST', `${core}/bindings`, { target: { name: 'n' } }, {}, 400, 'Name parameter required.'],
  // Not every subresource has a table, which is seen first.
  ['GET', `${core}/pods/p/resize`, undefined, TABLE, 406, NO_TABLE],
  ['PATCH', `${core}/pods/p/ephemeralcontainers`, {}, { ...MERGE, ...TABLE }, 406, NO_TABLE],
  ['PUT', `/api/v1/namespaces/default/finalize`, {}, TABLE, 406, NO_TABLE],
  ['GET', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/none/status', undefined, TABLE, 406, NO_TABLE],
  // A scale is judged as an object of its own.
  [
    'PUT',
    `${apps}/deployments/d/scale`,
    { metadata: { name: 'd', namespace: 'default', annotations: { 'a b': 'c' } }, spec: { replicas: -1 } },
    {},
    422,
    `Scale.autoscaling "d" is invalid: [metadata.annotations: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'), spec.replicas: Invalid value: -1: must be greater than or equal to 0]`,
  ],
  [
    'PUT',
    `${apps}/deployments/d/scale`,
    { metadata: { name: 'd', namespace: 'default', finalizers: ['a'] }, spec: { replicas: 1 } },
    {},
    422,
    'Scale.autoscaling "d" is invalid: metadata.finalizers[0]: Invalid value: "a": name is neither a standard finalizer name nor is it fully qualified',
  ],
  ['PATCH', `${core}/configmaps/c?fieldValidation=Ignore`, Buffer.from('{"data":'), MERGE, 400, 'Invalid JSON Patch'],
  [
    'PATCH',
    `${widgets}/w`,
    { apiVersion: null },
    MERGE,
    500,
    "Internal error occurred: Object 'apiVersion' is missing in 'object has no apiVersion field'",
  ],
  // Without an apiVersion a patched object is read as upstream's internal one, which has no such members.
  [
    'PATCH',
    `${core}/configmaps/c`,
    [{ op: 'remove', path: '/apiVersion' }],
    JSON_PATCH,
    400,
    'the name of the object (c based on URL) was undeterminable: name must be provided',
  ],
  // Custom resources.
  [
    'POST',
    `${widgets}?fieldValidation=Ignore`,
    {},
    {},
    400,
    `Widget in version "v1" cannot be handled as a Widget: Object 'Kind' is missing in '{}'`,
  ],
  [
    'POST',
    widgets,
    { apiVersion: 'shop.example.com/v1', kind: 'widget' },
    {},
    422,
    'widget.shop.example.com "" is invalid: kind: Invalid value: "widget": must be Widget',
  ],
  [
    'POST',
    `${widgets}?fieldValidation=Strict`,
    { apiVersion: 'shop.example.com/v2', kind: 'Widget', metadata: { nope: 1 } },
    {},
    400,
    'Widget in version "v2" cannot be handled as a Widget: strict decoding error: unknown field "metadata.nope"',
  ],
  [
    'PATCH',
    `${widgets}/w`,
    { apiVersion: 'x/v1' },
    MERGE,
    422,
    'Widget.x "w" is invalid: apiVersion: Invalid value: "x/v1": must be shop.example.com/v1',
  ],
  [
    'PATCH',
    `${widgets}/w`,
    [{ op: 'replace', path: '', value: {} }],
    JSON_PATCH,
    422,
    ` "" is invalid: patch: Invalid value: "{}": Object 'Kind' is missing in '{}'`,
  ],
  [
    'GET',
    `${widgets}/w/scale`,
    undefined,
    {},
    500,
    'Internal error occurred: the spec replicas field ".spec.n" does not exist',
  ],
  [
    'PATCH',
    `${widgets}/w/scale`,
    { metadata: { labels } },
    MERGE,
    400,
    'the spec replicas field ".spec.n" cannot be empty',
  ],
])('%s %s %j %j', async (method, path, body, headers, status, message) => {
  const answer = await client.send(method, path, body, headers);
  expect({
    status: answer.status,
    message: (JSON.parse(answer.body) as { message?: string }).message,
  }).toEqual({
    status,
    message,
  });
});

test('a patched document is shown as it would be written', async () => {
  const { body } = await client.send('PATCH', `${core}/configmaps/c`, { data: 'x' }, MERGE);
  const { message } = JSON.parse(body) as { message: string };
  expect(message).toMatch(/"data\\":\\"x\\",\\"kind\\":\\"ConfigMap\\",\\"metadata\\":{\\"name\\":\\"c\\",/);
  expect(message).toMatch(/\\"uid\\":\\"[-0-9a-f]+\\",\\"resourceVersion\\":\\"\d+\\",\\"creationTimestamp\\":/);
  const touched = await client.send('PATCH', `${core}/configmaps/c`, { data: 'x', metadata: { uid: null } }, MERGE);
  expect(messageOf(touched)).toMatch(
    /\\"metadata\\":{\\"creationTimestamp\\":.*\\"name\\":\\"c\\",.*\\"resourceVersion\\":\\"\d+\\"}}"/,
  );
  const added = [{ op: 'add', path: '/data', value: { b: 1, a: { d: 2, c: 3 } } }];
  expect(messageOf(await client.send('PATCH', `${core}/configmaps/c`, added, JSON_PATCH))).toContain(
    '\\"data\\":{\\"b\\":1,\\"a\\":{\\"d\\":2,\\"c\\":3}}',
  );
  expect(
    messageOf(await client.send('PATCH', `${core}/configmaps/c`, { apiVersion: 5, kind: 'Pod' }, MERGE)),
  ).toContain('json parse error: json: cannot unmarshal number into Go struct field .apiVersion of type string');
});

test('a table of what was not stored has no revision', async () => {
  const body = { metadata: { name: 'dry' } };
  const { body: text } = await client.send('POST', `${core}/configmaps?dryRun=All`, body, TABLE);
  expect(JSON.parse(text) as { metadata: object }).toMatchObject({ kind: 'Table' });
  expect((JSON.parse(text) as { metadata: object }).metadata).toEqual({});
});

test('the scale of a custom resource sets replicas that were not there', async () => {
  const { status, body } = await client.send(
    'PATCH',
    `${widgets}/w/scale?dryRun=All`,
    { spec: { replicas: 2 } },
    MERGE,
  );
  expect(status).toBe(200);
  expect(JSON.parse(body) as object).toMatchObject({ kind: 'Scale', spec: { replicas: 2 } });
  const table = await client.send(
    'PATCH',
    `${widgets}/w/scale?dryRun=All`,
    { spec: { replicas: 2 } },
    { ...MERGE, ...TABLE },
  );
  const { columnDefinitions, rows } = JSON.parse(table.body) as {
    columnDefinitions: object[];
    rows: { cells: unknown[] }[];
  };
  expect(columnDefinitions[1]).toMatchObject({ name: 'Desired', description: 'Number of desired replicas' });
  expect(rows[0]!.cells.slice(0, 3)).toEqual(['w', 2, 0]);
});

test.each<[string, string, number]>([
  ['GET', '/w', 200],
  ['GET', '/w/status', 200],
  ['GET', '/w/scale', 404],
  ['GET', '/none', 404],
  ['POST', '/w/status', 405],
])('%s of %s in a deprecated version tells of it, refused or not', async (method, path, status) => {
  const beta = widgets.replace('/v1/', '/v1beta1/');
  const answer = await client.send(method, beta + path, method === 'POST' ? {} : undefined);
  expect(answer.status).toBe(status);
  expect(answer.headers.warning).toBe(
    '299 - "shop.example.com/v1beta1 Widget is deprecated; use shop.example.com/v1 Widget"',
  );
});

test('metadata in the body of a status does not matter', async () => {
  const body = { metadata: { labels: { a: 'b c' } }, status: { n: 1 } };
  const answer = await client.send('PATCH', `${widgets}/w/status?dryRun=All`, body, MERGE);
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body) as object).toMatchObject({ status: { n: 1 } });
});

test('protobuf of custom resources is refused before they are looked for', async () => {
  const accept = 'application/vnd.kubernetes.protobuf';
  for (const name of ['w', 'none', 'w/scale'])
    expect((await client.send('GET', `${widgets}/${name}`, undefined, { accept })).status, name).toBe(406);
});

test('the deletion of a definition, and of a namespace, looks at preconditions first and answers with the object', async () => {
  const crd = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.shop.example.com';
  for (const [path, name, resource] of [
    [crd, 'widgets.shop.example.com', 'customresourcedefinitions.apiextensions.k8s.io'],
    ['/api/v1/namespaces/default', 'default', 'namespaces'],
  ] as const) {
    const { uid } = (JSON.parse((await client.send('GET', path)).body) as { metadata: { uid: string } }).metadata;
    const refused = await client.send('DELETE', path, { preconditions: { uid: 'x' } });
    expect(JSON.parse(refused.body)).toMatchObject({
      code: 409,
      message: `Operation cannot be fulfilled on ${resource} "${name}": Precondition failed: UID in precondition: x, UID in object meta: ${uid}`,
    });
  }
  const { body } = await client.send('DELETE', `${crd}?dryRun=All`);
  expect(JSON.parse(body)).toMatchObject({
    kind: 'CustomResourceDefinition',
    metadata: {
      finalizers: ['customresourcecleanup.apiextensions.k8s.io'],
      deletionTimestamp: expect.any(String) as string,
    },
  });
});

test.each([
  ['/secrets', { type: 'a' }, { type: 'b' }, 'type'],
  ['/configmaps', { immutable: true, data: { a: '1' } }, { immutable: true }, 'data'],
])('what may not change comes between two looks at metadata: %s', async (path, before, after, field) => {
  await client.send('POST', `${core}${path}`, { metadata: { name: 'kept' }, ...before });
  const metadata = { name: 'kept', labels: { a: 'b c' } };
  const { body } = await client.send('PUT', `${core}${path}/kept`, { metadata, ...after });
  const { details } = JSON.parse(body) as { details: { causes: { field: string }[] } };
  const fields = details.causes.map((cause) => cause.field);
  expect(fields.slice(-2)).toEqual([field, 'metadata.labels']);
  expect(new Set(fields.slice(0, -2))).toEqual(new Set(['metadata.labels']));
});

test.each([
  ["a list in an object's place", '{"data":[{"b":1,"a":2.5}]}', '"data":[{"b":1,"a":2.5}]'],
  ['a number', '{"immutable":1.0}', '"immutable":1.0'],
])('what a patch has made is shown as it was written: %s', async (_, patch, shown) => {
  const { status, body } = await client.send('PATCH', `${core}/configmaps/c`, Buffer.from(patch), MERGE);
  const { message } = JSON.parse(body) as { message: string };
  expect(status).toBe(422);
  expect(message).toContain(JSON.stringify(shown).slice(1, -1));
});

test.each([
  ['resize', { 'kubernetes.io/config.mirror': 'x' }, {}, 'static pods cannot be resized'],
  ['resize', {}, { os: { name: 'windows' } }, 'windows pods cannot be resized'],
  [
    'ephemeralcontainers',
    { 'kubernetes.io/config.mirror': 'x' },
    {},
    'static pods do not support ephemeral containers',
  ],
])('what a pod never takes is told of without its metadata: %s %j %j', async (view, annotations, spec, message) => {
  const pod = { metadata: { name: 'fixed', annotations }, spec: { containers: [container], nodeName: 'n', ...spec } };
  await client.send('POST', `${core}/pods`, pod);
  const { body } = await client.send('PATCH', `${core}/pods/fixed/${view}`, { metadata: { uid: 'x' } }, MERGE);
  await client.send('DELETE', `${core}/pods/fixed?gracePeriodSeconds=0`);
  expect((JSON.parse(body) as { details: { causes: unknown } }).details.causes).toEqual([
    { reason: 'FieldValueInvalid', message: 'Invalid value: "x": field is immutable', field: 'metadata.uid' },
    { reason: 'FieldValueForbidden', message: `Forbidden: ${message}`, field: '[]' },
  ]);
});

test('what a patch has made of a custom object is shown with all members in order', async () => {
  const { body } = await client.send('PATCH', `${widgets}/w`, { kind: null }, MERGE);
  const { message } = JSON.parse(body) as { message: string };
  expect(message).toMatch(/"metadata\\?":\{\\?"creationTimestamp.*generation.*name.*namespace.*resourceVersion.*uid/s);
});

test('a custom object is shown as it is read, with the default of a status that its creation took away', async () => {
  const gizmos = '/apis/shop.example.com/v1/gizmos';
  const schema = {
    type: 'object',
    properties: {
      spec: { type: 'object', properties: { free: { type: 'array', items: { type: 'object' } } } },
      status: { type: 'object', default: { phase: 'New' }, properties: { phase: { type: 'string' } } },
    },
  };
  const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } };
  await client.send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'gizmos.shop.example.com' },
    spec: {
      group: 'shop.example.com',
      scope: 'Cluster',
      names: { plural: 'gizmos', kind: 'Gizmo' },
      versions: [{ ...version, subresources: { status: {} } }],
    },
  });
  await vi.waitFor(async () => expect((await client.send('GET', gizmos)).status).toBe(200), 10_000);
  const gizmo = {
    apiVersion: 'shop.example.com/v1',
    kind: 'Gizmo',
    metadata: { name: 'g' },
    spec: { free: [{ a: 1 }] },
  };
  const seen = { spec: { free: [{}] }, status: { phase: 'New' } };
  const created = await client.send('POST', `${gizmos}?dryRun=All`, gizmo);
  expect(JSON.parse(created.body) as object).toMatchObject(seen);
  // Of what has no schema apply knows nothing, and takes it.
  for (const dryRun of ['dryRun=All', '']) {
    const applied = await client.send('PATCH', `${gizmos}/g?fieldManager=m&${dryRun}`, gizmo, APPLY);
    expect(applied.status).toBe(201);
    expect(JSON.parse(applied.body) as typeof seen).toMatchObject(seen);
    expect((JSON.parse(applied.body) as typeof seen).spec).toEqual(seen.spec);
  }
  expect(JSON.parse((await client.send('GET', `${gizmos}/g`)).body) as object).toMatchObject(seen);
});

test('an apply that says nothing new leaves an object alone, though the stored version lacks a default of this one', async () => {
  const gauges = '/apis/shop.example.com/v1beta1/gauges';
  const version = (name: string, properties: object) => ({
    name,
    served: true,
    storage: name === 'v1',
    schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } } },
  });
  const a = { type: 'string' };
  await client.send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'gauges.shop.example.com' },
    spec: {
      group: 'shop.example.com',
      scope: 'Cluster',
      names: { plural: 'gauges', kind: 'Gauge' },
      versions: [version('v1', { a }), version('v1beta1', { a, old: { type: 'integer', default: 15 } })],
    },
  });
  await vi.waitFor(async () => expect((await client.send('GET', gauges)).status).toBe(200), 10_000);
  const gauge = { apiVersion: 'shop.example.com/v1beta1', kind: 'Gauge', metadata: { name: 'g' }, spec: { a: 'x' } };
  await client.send('POST', gauges, gauge);
  for (const manager of ['m', 'm', 'n']) {
    const { status, body } = await client.send('PATCH', `${gauges}/g?fieldManager=${manager}`, gauge, APPLY);
    expect(status).toBe(200);
    expect((JSON.parse(body) as { metadata: object }).metadata).toMatchObject({ generation: 1 });
  }
});
