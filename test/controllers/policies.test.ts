import fs from 'node:fs';
import type { ValidatingAdmissionPolicySpec } from '@keelson/api/generated/types/admissionregistration/v1';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type ControlledCluster, startControlled } from './cluster.ts';

/** Policies, and what kube-controller-manager 1.36 warned of; the random parts of types' names are `#`. */
interface Recorded {
  readonly name: string;
  readonly spec: ValidatingAdmissionPolicySpec;
  readonly warnings: readonly { fieldRef: string; warning: string }[];
}

const file = new URL('policy-warnings.json', import.meta.url);
const recorded = JSON.parse(fs.readFileSync(file, 'utf8')) as Recorded[];

let cluster: ControlledCluster;
beforeAll(async () => {
  cluster = await startControlled(['validatingadmissionpolicy-status-controller'], []);
  const spec = {
    type: 'object',
    properties: {
      size: { type: 'integer' },
      any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      is: { 'x-kubernetes-int-or-string': true },
    },
  };
  const definitions = cluster.client.resource('customresourcedefinitions.apiextensions.k8s.io');
  await definitions.create({
    metadata: { name: 'foos.example.com' },
    spec: {
      group: 'example.com',
      names: { plural: 'foos', singular: 'foo', kind: 'Foo', listKind: 'FooList' },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
        },
      ],
    },
  });
  const path = '/openapi/v3/apis/example.com/v1';
  const subject = { verb: 'get', group: '', resource: path, name: '' };
  await vi.waitFor(() => cluster.client.call({ method: 'GET', path, subject }, async () => {}), { timeout: 10_000 });
}, 60_000);
afterAll(() => cluster?.stop());

test.each(recorded.map((each) => [each.name, each] as const))('warnings of %s', async (name, { spec, warnings }) => {
  const policies = cluster.client.resource('validatingadmissionpolicies.admissionregistration.k8s.io');
  await policies.create({ metadata: { name }, spec });
  const status = async () => (await policies.get({ name })).status;
  await expect.poll(async () => (await status())?.observedGeneration, { timeout: 10_000 }).toBe(1);
  const found = (await status())?.typeChecking?.expressionWarnings ?? [];
  const nameless = found.map((each) => ({
    ...each,
    warning: each.warning.replace(/\b(Pod|Foo|ConfigMap)\d+/g, '$1#'),
  }));
  expect(nameless).toEqual(warnings);
});
