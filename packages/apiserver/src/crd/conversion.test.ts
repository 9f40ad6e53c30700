import type { KubeObject } from '@keelson/api/object';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { describe, expect, it } from 'vitest';
import type { WebhookClient } from '../webhook/client.ts';
import { conversionOf } from './conversion.ts';
import { ConversionMetrics } from './metrics.ts';

const original: KubeObject = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name: 'a', namespace: 'ns', uid: 'u', labels: { a: '1' } },
};
const good = { ...original, apiVersion: 'example.com/v2' };

function webhook(response: object, metrics?: ConversionMetrics) {
  const client = {
    post: async (_config: unknown, body: Buffer) => {
      const { apiVersion, kind, request } = JSON.parse(body.toString());
      const reply = { apiVersion, kind, response: { uid: request.uid, result: { status: 'Success' }, ...response } };
      return { status: 200, contentType: 'application/json', body: Buffer.from(JSON.stringify(reply)) };
    },
  } as unknown as WebhookClient;
  const conversion = { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v9', 'v1'] } };
  return conversionOf('widgets.example.com', conversion, {
    client,
    uuid: () => 'uid-1',
    ...(metrics ? { metrics } : {}),
  });
}

describe('a conversion webhook', () => {
  it('may change anything but metadata other than labels and annotations', async () => {
    const metadata = { ...original.metadata, labels: { b: '2' }, finalizers: ['x/y'] };
    const [converted] = await webhook({ convertedObjects: [{ ...good, metadata, spec: { n: 1 } }] }).convert(
      [original],
      'example.com/v2',
    );
    expect(converted).toEqual({
      ...good,
      metadata: { name: 'a', namespace: 'ns', uid: 'u', labels: { b: '2' } },
      spec: { n: 1 },
    });
  });

  const about = 'conversion webhook for example.com/v1, Kind=Widget';
  const at = `${about} returned invalid converted object at index 0:`;
  const atMetadata = `${about} returned invalid metadata in object at index 0:`;
  it.each<[object, unknown]>([
    [{ result: { status: 'Failure', message: 'not today' } }, `${about} failed: not today`],
    [{ result: { status: '' } }, `${about} failed: response.result.status was '', not 'Success'`],
    [{ uid: 'other' }, `${about} failed: expected response.uid="uid-1", got "other"`],
    [{ convertedObjects: [] }, `${about} returned 0 objects, expected 1`],
    [{ convertedObjects: [original] }, `${at} invalid groupVersion (expected example.com/v2, received example.com/v1)`],
    [{ convertedObjects: [{ ...good, kind: 'Gadget' }] }, `${at} invalid kind (expected Widget, received Gadget)`],
    [
      { convertedObjects: [{ ...good, metadata: { ...good.metadata, name: 'b' } }] },
      `${at} must have the same name: a != b`,
    ],
    [{ convertedObjects: [{ ...good, metadata: 'a' }] }, `${at} must have the same name: a != `],
    [
      { convertedObjects: [{ ...good, metadata: { ...good.metadata, uid: 'v' } }] },
      `${at} must have the same UID: u != v`,
    ],
    [
      { convertedObjects: [{ ...good, metadata: { ...good.metadata, labels: ['a'] } }] },
      `${atMetadata} invalid metadata.labels of type []interface {} in converted object`,
    ],
    [
      { convertedObjects: [{ ...good, metadata: { ...good.metadata, annotations: { a: 1 } } }] },
      `${atMetadata} metadata.annotations[a] must be a string, but is int64 in converted object`,
    ],
    [
      { convertedObjects: [{ ...good, metadata: { ...good.metadata, labels: { a: '-' } } }] },
      expect.stringMatching(
        /returned invalid metadata in object at index 0: metadata\.labels: Invalid value: "-": a valid label/,
      ),
    ],
    [
      { convertedObjects: [{ ...good, metadata: { ...good.metadata, annotations: { 'a b': '' } } }] },
      expect.stringMatching(/ metadata\.annotation: Invalid value: "a b": name part must consist of/),
    ],
  ])('%j is refused', async (response, message) => {
    await expect(webhook(response).convert([original], 'example.com/v2')).rejects.toMatchObject({ code: 500, message });
  });

  it('is counted, by how far it gets', async () => {
    const registry = new MetricsRegistry();
    const metrics = new ConversionMetrics(registry, () => 0);
    const answers: object[] = [{ convertedObjects: [good] }, { uid: 'other' }, { convertedObjects: [] }];
    answers.push({ convertedObjects: [original] });
    for (const response of answers)
      await Promise.allSettled([webhook(response, metrics).convert([original], 'example.com/v2')]);
    const of = (result: string, type: string) =>
      `apiserver_conversion_webhook_request_total{failure_type="${type}",result="${result}"} 1`;
    const text = await registry.text();
    expect(text.match(/^apiserver_conversion_webhook_request_total.*/gm)).toEqual([
      of('success', ''),
      of('failure', 'conversion_webhook_invalid_converted_object_failure'),
      of('failure', 'conversion_webhook_malformed_response_failure'),
      of('failure', 'conversion_webhook_partial_response_failure'),
    ]);
    const definition = 'crd_name="widgets.example.com",from_version="v1",succeeded="false",to_version="v2"';
    expect(text).toContain(`apiserver_crd_conversion_webhook_duration_seconds_count{${definition}} 3\n`);
  });
});
