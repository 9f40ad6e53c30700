/** Definitions of custom resources that were stored before schemas had to be structural. */
import { afterAll, describe, expect, test, vi } from 'vitest';
import { startApiServer } from '../support/api-server.ts';
import { type Etcd, startEtcd } from '../support/etcd.ts';
import { servedApi } from '../support/served.ts';
import { missing } from '../support/tools.ts';

const PRESERVES = 'spec.preserveUnknownFields: Invalid value: true: must be false';
const SCHEMA = 'schema.openAPIV3Schema';
const violations = (message: string) => ({ status: 'True', reason: 'Violations', message });

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}
interface Case {
  readonly name: string;
  readonly spec: object;
  readonly finding: Omit<Condition, 'type'> | undefined;
}

const version = (name: string, schema?: object) => ({
  name,
  served: true,
  storage: name === 'v1',
  ...(schema && { schema: { openAPIV3Schema: schema } }),
});
const good = { type: 'object', properties: { a: { type: 'string' } } };
const cases: readonly Case[] = [
  { name: 'good', spec: { versions: [version('v1', good)] }, finding: undefined },
  {
    name: 'free',
    spec: { preserveUnknownFields: true, versions: [version('v1', good)] },
    finding: violations(PRESERVES),
  },
  {
    name: 'typeless',
    spec: {
      preserveUnknownFields: true,
      versions: [
        version('v1', { type: 'object', properties: { b: {}, a: { type: 'array' } } }),
        version('v2', { pattern: '(' }),
      ],
    },
    finding: violations(
      `[${[
        PRESERVES,
        `spec.versions[0].${SCHEMA}.properties[a].items: Required value: must be specified`,
        `spec.versions[0].${SCHEMA}.properties[b].type: Required value: must not be empty for specified object fields`,
        `spec.versions[1].${SCHEMA}.pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`(\``,
        `spec.versions[1].${SCHEMA}.type: Required value: must not be empty at the root`,
      ].join(', ')}]`,
    ),
  },
  {
    name: 'refs',
    spec: { preserveUnknownFields: true, versions: [version('v1', { type: 'object', $ref: 'x' })] },
    finding: {
      status: 'Unknown',
      reason: 'StructuralError',
      message: "failed to check validation schema for version v1: OpenAPIV3Schema '$ref' is not supported",
    },
  },
];

describe.skipIf(missing('etcd'))('a definition that was stored', () => {
  const pathOf = (name: string) =>
    `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.${name}.example.com`;

  let etcd: Etcd | undefined;
  afterAll(() => etcd?.stop());
  const client = servedApi(async () => {
    etcd = await startEtcd();
    for (const { name, spec } of cases) {
      const group = `${name}.example.com`;
      const names = { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' };
      const stored = {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: `widgets.${group}`, uid: name, generation: 1, creationTimestamp: '2019-01-02T03:04:05Z' },
        spec: { group, scope: 'Namespaced', names, conversion: { strategy: 'None' }, ...spec },
        status: { conditions: [], acceptedNames: { plural: '', kind: '' }, storedVersions: ['v1'] },
      };
      const base64 = (text: string) => Buffer.from(text).toString('base64');
      const key = base64(`/registry/apiextensions.k8s.io/customresourcedefinitions/widgets.${group}`);
      await etcd.ask('/v3/kv/put', { key, value: base64(JSON.stringify(stored)) });
    }
    return startApiServer('etcd', [], etcd);
  });

  const read = async (path: string) =>
    JSON.parse((await client.send('GET', path)).body) as { spec: object; status: { conditions: Condition[] } };
  const findings = async (path: string) => {
    const { conditions } = (await read(path)).status;
    return conditions.filter(({ type }) => type === 'NonStructuralSchema');
  };

  test.each(cases)(
    '$name: says what is wrong with its schemas',
    async ({ name, finding }) => {
      await vi.waitFor(async () => {
        const { conditions } = (await read(pathOf(name))).status;
        expect(conditions).toContainEqual(expect.objectContaining({ type: 'Established', status: 'True' }));
        if (finding) expect(await findings(pathOf(name))).toMatchObject([finding]);
      }, 30_000);
      if (!finding) expect(await findings(pathOf(name))).toEqual([]);
    },
    60_000,
  );

  test('says so no longer when it is mended', async () => {
    const path = pathOf('typeless');
    await vi.waitFor(async () => {
      const found = await read(path);
      const mended = {
        ...found,
        spec: { ...found.spec, preserveUnknownFields: false, versions: [version('v1', good)] },
      };
      expect((await client.send('PUT', path, mended)).status).toBe(200);
    }, 30_000);
    await vi.waitFor(async () => expect(await findings(path)).toEqual([]), 30_000);
  }, 60_000);
});
