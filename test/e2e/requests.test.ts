/** What is said to requests that are unusual, and to some that are wrong. */
import { beforeAll, describe, expect, test } from 'vitest';
import { storages } from '../support/api-server.ts';
import { servedApi } from '../support/served.ts';

const client = servedApi(storages[0]!.storage);
beforeAll(async () => {
  await client.send('POST', maps, { metadata: { name: 'a' }, data: { k: 'v' } });
}, 60_000);

const maps = '/api/v1/namespaces/default/configmaps';
const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles';
const scalers = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers/h`;
const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const APPLY = 'application/apply-patch+yaml';

async function told(
  method: string,
  path: string,
  body?: unknown,
  type = 'application/json',
): Promise<[number, string]> {
  const sent = body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const answer = await client.send(method, path, sent, { 'content-type': type });
  const { message = '' }: { message?: string } = answer.body.startsWith('{')
    ? JSON.parse(answer.body)
    : { message: answer.body };
  return [answer.status, message];
}

describe('a query', () => {
  const empty = 'strconv.ParseInt: parsing "": invalid syntax';
  const tooLarge = 'strconv.ParseInt: parsing "9223372036854775808": value out of range';
  test.each<[method: string, path: string, code: number, message: string]>([
    ['GET', `${maps}?limit=`, 400, empty],
    ['GET', `${maps}?timeoutSeconds=`, 400, empty],
    ['DELETE', `${maps}/none?gracePeriodSeconds=`, 400, empty],
    ['GET', `${maps}?limit=9223372036854775807`, 200, ''],
    ['GET', `${maps}?limit=9223372036854775808`, 400, tooLarge],
    ['GET', `${maps}?limit=+1`, 400, 'strconv.ParseInt: parsing " 1": invalid syntax'],
    ['GET', `${maps}?limit=%2B1`, 200, ''],
    ['GET', `${maps}?limit=1;2`, 200, ''],
    ['GET', `${maps}?fieldSelector=metadata.name%3Da%5C%2Cb`, 200, ''],
    ['GET', `${maps}?limit=%zz`, 200, ''],
    [
      'GET',
      `${maps}?continue=x`,
      400,
      'invalid continue token: continue key is not valid: illegal base64 data at input byte 0',
    ],
  ])('%s %s', async (method, path, code, message) => {
    expect(await told(method, path)).toEqual([code, message]);
  });
});

test.each<[query: string, retryAfterSeconds: number | undefined]>([
  ['limit=1', 1],
  ['resourceVersionMatch=Exact', 1],
  ['resourceVersionMatch=Exact&fieldSelector=metadata.name%3Da', undefined],
])('a list of the future, %s, says when to come again', async (query, retryAfterSeconds) => {
  const { body } = await client.send('GET', `${maps}?resourceVersion=99999999999&${query}`);
  expect(JSON.parse(body)).toMatchObject({ code: 504, reason: 'Timeout' });
  expect(JSON.parse(body).details.retryAfterSeconds).toBe(retryAfterSeconds);
});

test.each(['a', 'none'])('an object of the future, %s, is not to be had', async (name) => {
  const { body } = await client.send('GET', `${maps}/${name}?resourceVersion=99999999999`);
  expect(JSON.parse(body)).toMatchObject({ code: 504, reason: 'Timeout', details: { retryAfterSeconds: 1 } });
});

test.each([
  [`${maps}?watch=1`, ['ADDED', 'BOOKMARK']],
  [`${maps}?watch=1&resourceVersion=00`, ['ADDED']],
  ['/api/v1/watch/namespaces/default/configmaps?', ['ADDED']],
])(
  'a watch from nowhere begins with the state, and says when that is over if it is of today: %s',
  async (path, types) => {
    const query = '&allowWatchBookmarks=1&timeoutSeconds=1&fieldSelector=metadata.name%3Da';
    const { body } = await client.send('GET', path + query);
    const events = body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(events.map(({ type }) => type)).toEqual(types);
  },
);

test.each<[path: string, code: number]>([
  [`${maps}?watch=1`, 406],
  [`${maps}?watch=1&resourceVersion=abc`, 500],
  [`${maps}?watch=1&labelSelector=a%3D%3D%3Db`, 400],
])('a watch in YAML, of which there is none, is asked for what else is wrong first: %s', async (path, code) => {
  expect((await client.send('GET', path, undefined, { accept: 'application/yaml' })).status).toBe(code);
});

test('a watch of events as lists, which they are not, ends at the first of them', async () => {
  const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
  const { status, body } = await client.send('GET', `${maps}?watch=1`, undefined, { accept });
  expect([status, body]).toEqual([200, '']);
});

test('a body of the version "/" is one without', async () => {
  const { status } = await client.send('POST', `${maps}?dryRun=All`, { apiVersion: '/', metadata: { name: 'x' } });
  expect(status).toBe(201);
});

describe('what the server writes by itself', () => {
  const managers = async (path: string) => {
    const { metadata } = JSON.parse((await client.send('GET', path)).body) as {
      metadata: { managedFields: { manager: string; operation: string; subresource?: string; fieldsV1: object }[] };
    };
    return metadata.managedFields.map(({ manager, operation, subresource = '', fieldsV1 }) => ({
      who: `${manager} ${operation} ${subresource}`.trim(),
      what: fieldsV1,
    }));
  };

  test('the condition of the default ServiceCIDR is its controller’s', async () => {
    expect(await managers('/apis/networking.k8s.io/v1/servicecidrs/kubernetes')).toContainEqual({
      who: 'kubernetes-service-cidr-controller Apply status',
      what: {
        'f:status': {
          'f:conditions': {
            'k:{"type":"Ready"}': {
              '.': {},
              'f:lastTransitionTime': {},
              'f:message': {},
              'f:status': {},
              'f:type': {},
            },
          },
        },
      },
    });
  });

  test('what an eviction spends of a budget', async () => {
    const pods = '/api/v1/namespaces/default/pods';
    const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
    await client.send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
    const labels = { app: 'spent' };
    await client.send('POST', pods, {
      metadata: { name: 'p', labels },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    const conditions = [{ type: 'Ready', status: 'True' }];
    await client.send('PATCH', `${pods}/p/status`, { status: { phase: 'Running', conditions } });
    await client.send('POST', budgets, { metadata: { name: 'b' }, spec: { selector: { matchLabels: labels } } });
    const status = {
      disruptionsAllowed: 2,
      currentHealthy: 2,
      desiredHealthy: 1,
      expectedPods: 2,
      observedGeneration: 1,
    };
    await client.send('PATCH', `${budgets}/b/status`, { status });
    expect((await client.send('POST', `${pods}/p/eviction`, { metadata: { name: 'p' } })).status).toBe(201);
    expect(await managers(`${budgets}/b`)).toContainEqual({
      who: 'kube-apiserver Update status',
      what: { 'f:status': { 'f:disruptedPods': { '.': {}, 'f:p': {} }, 'f:disruptionsAllowed': {} } },
    });
  });
});

test('a list of one name at an older revision has no more pages', async () => {
  const { metadata } = JSON.parse((await client.send('GET', `${maps}/a`)).body) as { metadata: object };
  const { resourceVersion } = metadata as { resourceVersion: string };
  await client.send('POST', maps, { metadata: { name: 'b' } });
  await client.send('PATCH', `${maps}/b`, { data: { k: 'w' } });
  const query = `fieldSelector=metadata.name%3Da&limit=1&resourceVersion=${resourceVersion}`;
  const { body } = await client.send('GET', `${maps}?${query}`);
  const list = JSON.parse(body) as { metadata: object; items: { metadata: { name: string } }[] };
  expect(list.metadata).toEqual({ resourceVersion });
  expect(list.items.map((item) => item.metadata.name)).toEqual(['a']);
});

describe('a path that leads nowhere', () => {
  const page = '404 page not found\n';
  const resource = 'the server could not find the requested resource';
  const undetermined = (path: string) =>
    `Internal Server Error: "${path}": failed to create RequestInfo: unable to determine kind and namespace from url, ${path}\n`;
  test.each<[path: string, code: number, message: string]>([
    ['/apis//v1/x', 404, page],
    ['/apis/apps/v9', 404, resource],
    ['/api/v1/bindings', 404, resource],
    ['/apis/authorization.k8s.io/v1/localsubjectaccessreviews', 404, resource],
    ['/api/v1/watch', 500, undetermined('/api/v1/watch')],
    ['/api/v1/watch/', 500, undetermined('/api/v1/watch/')],
    ['/api/v1/watch/namespaces/default/pods/p/status', 404, resource],
    ['/api/v1/watch/namespaces/default/pods/p/log', 404, resource],
    ['/api/v1/watch/namespaces/default/status', 404, resource],
  ])('%s', async (path, code, message) => {
    expect(await told('GET', path)).toEqual([code, message]);
  });
});

test('the options of an update are looked at before the type of its body', async () => {
  const wrong = (method: string, path: string) => told(method, `${path}?dryRun=x`, '{}', 'text/plain');
  expect((await wrong('POST', maps))[0]).toBe(415);
  expect((await wrong('PUT', `${maps}/a`))[0]).toBe(422);
});

describe('a body', () => {
  const wrong = (kind: string, why: string) => `ConfigMap in version "v1" cannot be handled as a ${kind}: ${why}`;
  const unknown = (version: string) =>
    `no kind "ConfigMap" is registered for version "${version}" in scheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"`;
  test.each<[method: string, path: string, body: unknown, code: number, message: string]>([
    ['POST', `${maps}?dryRun=All`, { kind: 'ConfigMap', apiVersion: '/v1', metadata: { name: 'x' } }, 201, ''],
    [
      'POST',
      roles,
      { kind: 'ConfigMap', apiVersion: 'v1', data: [] },
      400,
      wrong('Role', 'json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string'),
    ],
    [
      'POST',
      roles,
      { kind: 'ConfigMap', apiVersion: 'v1' },
      400,
      wrong('Role', 'converting (v1.ConfigMap) to (rbac.Role): unknown conversion'),
    ],
    ['DELETE', `${maps}/a`, { kind: 'ConfigMap' }, 400, unknown('meta.k8s.io/v1')],
    ['DELETE', `${maps}/a`, { kind: 'ConfigMap', apiVersion: 'v1' }, 400, unknown('v1')],
    ['DELETE', `${maps}/a`, { kind: 'ConfigMap', apiVersion: 'a/b/c' }, 400, 'unexpected GroupVersion string: a/b/c'],
    [
      'POST',
      maps,
      { metadata: { name: 'large' }, data: { a: 'x'.repeat(3 << 20) } },
      413,
      'Request entity too large: limit is 3145728',
    ],
  ])('%s %s %j', async (method, path, body, code, message) => {
    expect(await told(method, path, body)).toEqual([code, message]);
  });
});

describe('a patch', () => {
  const nameless = 'the name of the object (a based on URL) was undeterminable: name must be provided';
  const none = 'configmaps "none" not found';
  const unmarshal = (type: string) =>
    `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${type} into Go value of type map[string]interface {}`;
  const map = (fields: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'new' }, ...fields });
  const unconverted = (why: string) =>
    `failed to convert new object (/new; /v1, Kind=ConfigMap) to proper version: unable to convert unstructured object to /v1, Kind=ConfigMap: ${why}`;
  const badTime = 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"';
  test.each<[type: string, name: string, body: unknown, code: number, message: string]>([
    [JSON_PATCH, 'a', [{ op: 'remove', path: '/apiVersion' }], 400, nameless],
    [MERGE_PATCH, 'a', { apiVersion: null }, 400, nameless],
    [MERGE_PATCH, 'a', { kind: null }, 200, ''],
    [JSON_PATCH, 'none', ['x'], 404, none],
    [MERGE_PATCH, 'none', 'x', 404, none],
    ['application/strategic-merge-patch+json', 'none', '[]', 404, none],
    [APPLY, 'new', '[]', 400, unmarshal('array')],
    [APPLY, 'new', 'x', 400, unmarshal('string')],
    [APPLY, 'new', '1', 400, unmarshal('number')],
    [
      APPLY,
      'new',
      map({ binaryData: { a: '!' } }),
      500,
      unconverted('error decoding from json: illegal base64 data at input byte 0'),
    ],
    [APPLY, 'new', map({ metadata: { name: 'new', creationTimestamp: 'x' } }), 500, unconverted(badTime)],
    [
      APPLY,
      'new',
      map({ metadata: { name: 'new', resourceVersion: 'x' } }),
      500,
      'strconv.ParseUint: parsing "x": invalid syntax',
    ],
  ])('%s of %s: %j', async (type, name, body, code, message) => {
    const query = type === APPLY ? '?fieldManager=m' : '';
    expect(await told('PATCH', `${maps}/${name}${query}`, body, type)).toEqual([code, message]);
  });

  test('without a version is read in the internal one, which knows no member', async () => {
    const { body } = await client.send('PATCH', `${maps}/a?fieldValidation=Strict`, { apiVersion: null });
    expect(JSON.parse(body)).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(JSON.parse(body).message).toMatch(
      /: strict decoding error: unknown field "data", unknown field "metadata"$/,
    );
  });

  test('that makes an object of another kind is read as that before it is refused', async () => {
    const patch = async (fields: object) =>
      (await told('PATCH', `${maps}/a`, fields, MERGE_PATCH)).map((part) => String(part).replace(/.*}": /, ''));
    expect(await patch({ kind: 'Secret' })).toEqual(['422', 'illegal base64 data at input byte 0']);
    expect(await patch({ kind: 'Secret', data: null })).toEqual([
      '422',
      'converting (v1.Secret) to (core.ConfigMap): unknown conversion',
    ]);
  });

  test('is applied in one version and then in another', async () => {
    const scaler = (version: string, spec: object) => ({
      apiVersion: `autoscaling/${version}`,
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'h' },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 5, ...spec },
    });
    const target = { type: 'Utilization', averageUtilization: 60 };
    const metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
    const apply = async (version: string, spec: object) => {
      const body = Buffer.from(JSON.stringify(scaler(version, spec)));
      const path = `${scalers(version)}?fieldManager=m`;
      return JSON.parse((await client.send('PATCH', path, body, { 'content-type': APPLY })).body);
    };
    expect(await apply('v1', { targetCPUUtilizationPercentage: 50 })).toMatchObject({ spec: { maxReplicas: 5 } });
    expect(await apply('v2', { metrics })).toMatchObject({
      metadata: { managedFields: [{ manager: 'm', apiVersion: 'autoscaling/v2' }] },
      spec: { metrics },
    });
  });
});

describe('what a write may say of itself', () => {
  test.each<[method: string, path: string, body: object, code: number, message: string]>([
    [
      'PUT',
      `${roles}/new`,
      { metadata: { name: 'new', resourceVersion: 'x' } },
      500,
      'strconv.ParseUint: parsing "x": invalid syntax',
    ],
    [
      'PUT',
      `${maps}/a`,
      { metadata: { name: 'a', resourceVersion: '1\n' } },
      500,
      'strconv.ParseUint: parsing "1\\n": invalid syntax',
    ],
    ['PUT', `${roles}/new?dryRun=All`, { metadata: { name: 'new', resourceVersion: '5' } }, 201, ''],
  ])('%s %s %j', async (method, path, body, code, message) => {
    expect(await told(method, path, body)).toEqual([code, message]);
  });

  test('a dry run that creates leaves the revision', async () => {
    const role = { metadata: { name: 'new', resourceVersion: '5' } };
    const { body } = await client.send('PUT', `${roles}/new?dryRun=All`, role);
    expect(JSON.parse(body)).toMatchObject({ metadata: { resourceVersion: '5' } });
  });

  test('a dry run of an update leaves selfLink', async () => {
    const map = { metadata: { name: 'a', selfLink: 'x' }, data: { k: 'v' } };
    expect(JSON.parse((await client.send('PUT', `${maps}/a?dryRun=All`, map)).body).metadata.selfLink).toBe('x');
    expect(JSON.parse((await client.send('PUT', `${maps}/a`, map)).body).metadata).not.toHaveProperty('selfLink');
  });

  test('a service that its status makes has no address, and no place for one that it names', async () => {
    const services = '/api/v1/namespaces/default/services';
    const put = (name: string, spec: object) =>
      client.send('PUT', `${services}/${name}/status`, {
        metadata: { name },
        spec: { ports: [{ port: 80 }], ...spec },
      });
    const { status, body } = await put('s', {});
    expect(status).toBe(201);
    expect(JSON.parse(body).spec).not.toHaveProperty('clusterIP');
    expect(JSON.parse((await put('t', { clusterIP: 'None' })).body)).toMatchObject({
      message: 'Service "t" is invalid: spec.clusterIPs: Required value',
    });
  });

  test('the name of an IP address is not made up', async () => {
    const address = {
      metadata: { generateName: '10.0.0.9' },
      spec: { parentRef: { resource: 'services', name: 'a' } },
    };
    const { body } = await client.send('POST', '/apis/networking.k8s.io/v1/ipaddresses?dryRun=All', address);
    expect(JSON.parse(body)).toMatchObject({ metadata: { name: '10.0.0.9' } });
  });
});

describe('a deletion', () => {
  const conflict = (what: string) =>
    expect.stringMatching(
      new RegExp(`^Operation cannot be fulfilled on ConfigMap "a": the ${what} in the precondition`),
    );
  test.each<[path: string, code: number, message: unknown]>([
    [`${maps}/a?uid=x`, 409, conflict('UID')],
    [`${maps}/a?resourceVersion=1`, 409, conflict('ResourceVersion')],
    [
      '/api/v1/namespaces/kube-public?uid=x',
      409,
      expect.stringMatching(
        /^Operation cannot be fulfilled on namespaces "kube-public": Precondition failed: UID in precondition: x, UID in object meta: /,
      ),
    ],
    [`${maps}?resourceVersion=0`, 409, conflict('ResourceVersion')],
    [
      '/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical',
      403,
      'priorityclasses.scheduling.k8s.io "system-node-critical" is forbidden: this is a system priority class and cannot be deleted',
    ],
    [`${maps}?labelSelector=a%20in`, 400, expect.stringMatching(/^unable to parse requirement/)],
  ])('%s', async (path, code, message) => {
    expect(await told('DELETE', path)).toEqual([code, message]);
  });

  test('leaves finalizers that are named twice', async () => {
    const finalizers = ['orphan', 'orphan'];
    await client.send('POST', maps, { metadata: { name: 'held', finalizers } });
    const { body } = await client.send('DELETE', `${maps}/held`);
    expect(JSON.parse(body).metadata.finalizers).toEqual(finalizers);
    await client.send('PATCH', `${maps}/held`, { metadata: { finalizers: null } });
  });

  test.each([
    ['an update', 'PUT', 'application/json'],
    ['a patch', 'PATCH', MERGE_PATCH],
  ])('%s that lets an object go is answered with the empty lists that it sent', async (_, method, type) => {
    const kept = { metadata: { name: 'kept', finalizers: ['example.com/f'] }, rules: [] };
    await client.send('POST', roles, kept);
    await client.send('DELETE', `${roles}/kept`);
    const last = { ...kept, metadata: { name: 'kept', finalizers: null } };
    const { body } = await client.send(method, `${roles}/kept`, last, { 'content-type': type });
    expect(JSON.parse(body).rules).toEqual([]);
    expect((await client.send('GET', `${roles}/kept`)).status).toBe(404);
  });

  test('of a collection ends at the first object that cannot be deleted', async () => {
    const collection = `${maps}?labelSelector=of%3Dcollection`;
    const uids: string[] = [];
    for (const name of ['x', 'y']) {
      const object = { metadata: { name, labels: { of: 'collection' } } };
      uids.push(JSON.parse((await client.send('POST', maps, object)).body).metadata.uid);
    }
    const [code] = await told('DELETE', collection, { preconditions: { uid: uids[1] } });
    const left = JSON.parse((await client.send('GET', collection)).body);
    expect([code, left.items.length]).toEqual([409, 2]);
  });
});

describe('the options of an eviction', () => {
  const pods = '/api/v1/namespaces/default/pods';
  const automountServiceAccountToken = false;
  beforeAll(async () => {
    await client.send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
    const spec = { automountServiceAccountToken, containers: [{ name: 'c', image: 'i' }] };
    await client.send('POST', pods, { metadata: { name: 'stays' }, spec });
  });

  const unsupported =
    'DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["x"]: supported values: "All"';
  const both =
    'propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set';
  const ignored = 'ignoreStoreReadErrorWithClusterBreakingPotential';
  test.each<[query: string, deleteOptions: object, code: number, message: string]>([
    ['', { dryRun: ['x'] }, 422, unsupported],
    ['', { propagationPolicy: 'Orphan', orphanDependents: true }, 422, both],
    ['?dryRun=All', { dryRun: ['x'] }, 500, 'Non-matching dry-run options in request and content: [All] and [x]'],
    ['?dryRun=All', { dryRun: ['All'] }, 201, ''],
    ['', { [ignored]: true }, 422, `deleteOptions.${ignored}: Invalid value: true: can not be set for pod eviction`],
  ])('%s with %j', async (query, deleteOptions, code, message) => {
    const eviction = { metadata: { name: 'stays' }, deleteOptions };
    const [status, said] = await told('POST', `${pods}/stays/eviction${query}`, eviction);
    expect(status).toBe(code);
    expect(said).toContain(message);
    expect((await client.send('GET', `${pods}/stays`)).status).toBe(200);
  });
});

test('what a quota counts is of the server', async () => {
  const quotas = '/api/v1/namespaces/default/resourcequotas';
  const hard = { configmaps: '9' };
  await client.send('POST', quotas, { metadata: { name: 'q' }, spec: { hard } });
  const status = { hard, used: { configmaps: '0' } };
  await client.send('PUT', `${quotas}/q/status`, { metadata: { name: 'q' }, status });
  await expect
    .poll(async () => {
      await client.send('POST', maps, { metadata: { generateName: 'counted-' } });
      const { metadata } = JSON.parse((await client.send('GET', `${quotas}/q`)).body);
      return metadata.managedFields;
    })
    .toContainEqual(
      expect.objectContaining({
        manager: 'kube-apiserver',
        subresource: 'status',
        fieldsV1: { 'f:status': { 'f:used': { 'f:configmaps': {} } } },
      }),
    );
});

test('members stand where Go has them, and a token request keeps the times that it came with', async () => {
  await client.send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'timed' } });
  const deletionTimestamp = '2040-01-01T00:00:00Z';
  const request = { metadata: { deletionTimestamp }, spec: { audiences: ['a'] } };
  const token = await client.send('POST', '/api/v1/namespaces/default/serviceaccounts/timed/token', request);
  expect(token.body).toMatch(
    /"metadata":{"name":"timed","namespace":"default","uid":"[^"]+","creationTimestamp":"[^"]+","deletionTimestamp":"2040-01-01T00:00:00Z","managedFields":/,
  );
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
  const scaler = { metadata: { name: 'ordered' }, spec: { maxReplicas: 2, scaleTargetRef } };
  const { body } = await client.send('POST', scalers('v1').replace(/\/h$/, ''), scaler);
  expect(body).toContain('"status":{"currentReplicas":0,"desiredReplicas":0}');
  const gone = await client.send('DELETE', '/api/v1/namespaces/default/serviceaccounts/timed');
  expect(gone.body).toMatch(/"uid":"[^"]+","resourceVersion":"\d+","creationTimestamp":/);
});
