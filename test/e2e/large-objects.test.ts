/** Objects that are larger than etcd takes. KUBE_APISERVER proves the tests. */
import { describe, expect, it } from 'vitest';
import { servedApi } from '../support/served.ts';
import { missing } from '../support/tools.ts';

const reason = missing('etcd');
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

/** Keys and the fields that own them are each about half of what etcd takes. */
const many = Object.fromEntries(
  Array.from({ length: 10_000 }, (_, i) => [
    `a-key-whose-name-is-so-long-that-those-who-own-it-take-as-much-as-what-it-stands-for-${i}`,
    'A',
  ]),
);

interface ConfigMap {
  readonly message?: string;
  readonly metadata: { readonly managedFields?: unknown };
}

describe.skipIf(reason !== undefined)(`large objects${reason ? ` (skipped: ${reason})` : ''}`, () => {
  const client = servedApi('etcd');

  async function send(method: string, path: string, body: object, type?: string): Promise<[number, ConfigMap]> {
    const answer = await client.send(method, path, body, type ? { 'content-type': type } : {});
    return [answer.status, JSON.parse(answer.body) as ConfigMap];
  }

  it('are stored without managers of fields, which are too much, but for who applies', async () => {
    const metadata = { name: 'created', namespace: 'default' };
    const [created, first] = await send('POST', CONFIG_MAPS, { metadata, data: many });
    expect([created, first.metadata.managedFields]).toEqual([201, undefined]);

    await send('POST', CONFIG_MAPS, { metadata: { name: 'patched' }, data: { a: 'b' } });
    const [patched, second] = await send(
      'PATCH',
      `${CONFIG_MAPS}/patched`,
      { data: many },
      'application/merge-patch+json',
    );
    expect([patched, second.metadata.managedFields]).toEqual([200, undefined]);

    await send('POST', CONFIG_MAPS, { metadata: { name: 'updated' }, data: { a: 'b' } });
    const [updated, third] = await send('PUT', `${CONFIG_MAPS}/updated`, { metadata: { name: 'updated' }, data: many });
    expect([updated, third.metadata.managedFields]).toEqual([200, undefined]);

    const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata };
    const [refused, { message }] = await send(
      'PATCH',
      `${CONFIG_MAPS}/created?fieldManager=a`,
      applied,
      'application/apply-patch+yaml',
    );
    expect([refused, message]).toEqual([500, 'etcdserver: request is too large']);
  });

  it('are refused in the words of who does not take them', async () => {
    const deployment = (size: number) => ({
      metadata: { name: 'large' },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: {
          metadata: { labels: { a: 'b' } },
          spec: { containers: [{ name: 'a', image: 'b', args: ['x'.repeat(size)] }] },
        },
      },
    });
    const [status, { message }] = await send('POST', DEPLOYMENTS, deployment(1_700_000));
    expect([status, message]).toEqual([500, 'etcdserver: request is too large']);
    const [statusOfMore, more] = await send('POST', DEPLOYMENTS, deployment(2_200_000));
    expect(statusOfMore).toBe(500);
    expect(more.message).toMatch(
      /^rpc error: code = ResourceExhausted desc = trying to send message larger than max \(\d+ vs\. 2097152\)$/,
    );
  });
});
