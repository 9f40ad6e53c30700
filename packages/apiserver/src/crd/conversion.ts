/**
 * Between the versions of a custom resource: their name alone, or what a webhook makes of it
 * (apiextensions-apiserver/pkg/apiserver/conversion).
 */
import { aggregateText } from '@keelson/api/aggregate';
import { encodeJson } from '@keelson/api/codec/json';
import { StatusError } from '@keelson/api/errors';
import { Path } from '@keelson/api/field';
import type { CustomResourceConversion } from '@keelson/api/generated/types/apiextensions/v1';
import { type KubeObject, parseApiVersion } from '@keelson/api/object';
import { goType } from '@keelson/api/patch/goformat';
import { equal, isObject } from '@keelson/api/patch/value';
import { validateLabels } from '../registry/validation/labelselector.ts';
import { validateAnnotations } from '../registry/validation/objectmeta.ts';
import type { WebhookClient } from '../webhook/client.ts';
import { bodyOf } from '../webhook/reply.ts';
import type { ConversionFailure, ConversionMetrics } from './metrics.ts';

export interface Conversion {
  /**
   * Objects that are none of the version wanted, in that version and in the same order; may reuse its arguments.
   * @throws StatusError 500 when the webhook does not do it
   */
  convert(objects: readonly KubeObject[], apiVersion: string): readonly KubeObject[] | Promise<readonly KubeObject[]>;
}

/** Strategy None. */
export const RENAMING = {
  convert(objects: readonly KubeObject[], apiVersion: string): readonly KubeObject[] {
    for (const object of objects) object.apiVersion = apiVersion;
    return objects;
  },
} satisfies Conversion;

export interface ConversionDeps {
  readonly client: WebhookClient;
  readonly uuid: () => string;
  readonly metrics?: ConversionMetrics;
}

/** @param name of the definition. @returns what it says; RENAMING where versions differ in nothing but their name */
export function conversionOf(
  name: string,
  conversion: CustomResourceConversion | undefined,
  deps: ConversionDeps,
): Conversion {
  return conversion?.strategy === 'Webhook' ? new WebhookConversion(name, conversion, deps) : RENAMING;
}

const TIMEOUT_SECONDS = 30;
const REVIEW_VERSIONS = ['v1', 'v1beta1'];

class WebhookConversion implements Conversion {
  readonly #webhook: NonNullable<CustomResourceConversion['webhook']>;
  readonly #name: string;
  readonly #deps: ConversionDeps;

  constructor(name: string, { webhook }: CustomResourceConversion, deps: ConversionDeps) {
    this.#name = name;
    this.#webhook = webhook!;
    this.#deps = deps;
  }

  async convert(objects: readonly KubeObject[], apiVersion: string): Promise<readonly KubeObject[]> {
    if (objects.length === 0) return [];
    const [from, to] = [objects[0]!.apiVersion ?? '', apiVersion].map((each) => parseApiVersion(each).version);
    const ended = this.#deps.metrics?.converting(this.#name, from!, to!);
    let stage: ConversionFailure = 'call';
    try {
      const converted = await this.#ask(objects, apiVersion, (reached) => {
        stage = reached;
      });
      ended?.();
      return converted;
    } catch (error) {
      ended?.(stage);
      throw error;
    }
  }

  /** @param reached is told as what it will fail, from now on */
  async #ask(
    objects: readonly KubeObject[],
    apiVersion: string,
    reached: (stage: ConversionFailure) => void,
  ): Promise<readonly KubeObject[]> {
    const { client, uuid } = this.#deps;
    const { clientConfig = {}, conversionReviewVersions } = this.#webhook;
    const about = `conversion webhook for ${kindText(objects[0]!)}`;
    const version = conversionReviewVersions?.find((each) => REVIEW_VERSIONS.includes(each));
    if (!version) throw failure('no supported conversion review versions');
    const uid = uuid();
    let converted: unknown[];
    try {
      const review = {
        kind: 'ConversionReview',
        apiVersion: `apiextensions.k8s.io/${version}`,
        request: { uid, desiredAPIVersion: apiVersion, objects },
      };
      const caBundle = clientConfig.caBundle && Buffer.from(clientConfig.caBundle, 'base64').toString('latin1').trim();
      const reply = await client.post(
        { ...clientConfig, ...(caBundle ? {} : { caBundle: '' }) },
        encodeJson(review),
        TIMEOUT_SECONDS,
      );
      const body = bodyOf(reply);
      reached('malformed_response');
      converted = convertedObjects(body, version, uid);
    } catch (error) {
      throw failure(`${about} failed: ${(error as Error).message}`);
    }
    reached('partial_response');
    if (converted.length !== objects.length)
      throw failure(`${about} returned ${converted.length} objects, expected ${objects.length}`);
    reached('invalid_converted_object');
    return converted.map((object, i) => {
      const checked = <T>(what: string, check: () => T): T => {
        try {
          return check();
        } catch (error) {
          throw failure(`${about} returned invalid ${what} at index ${i}: ${(error as Error).message}`);
        }
      };
      const same = checked('converted object', () => sameObject(object, objects[i]!, apiVersion));
      return checked('metadata in object', () => withMetadataOf(objects[i]!, same));
    });
  }
}

function failure(message: string): StatusError {
  return new StatusError(500, '', message);
}

/** As Go shows a GroupVersionKind. */
function kindText({ apiVersion = '', kind }: KubeObject): string {
  return `${apiVersion}, Kind=${kind}`;
}

/** @throws Error with what is wrong with the answer */
function convertedObjects(body: Buffer, version: string, uid: string): unknown[] {
  const review: unknown = JSON.parse(body.toString('utf8'));
  const { kind, apiVersion, response } = isObject(review) ? review : {};
  if (version === 'v1' && (kind !== 'ConversionReview' || apiVersion !== 'apiextensions.k8s.io/v1'))
    throw new Error(
      `expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got ${apiVersion ?? ''}, Kind=${kind ?? ''}`,
    );
  if (!isObject(response)) throw new Error('no response provided');
  if (version === 'v1' && response.uid !== uid)
    throw new Error(`expected response.uid="${uid}", got ${JSON.stringify(response.uid ?? '')}`);
  const { status = '', message } = isObject(response.result) ? response.result : {};
  if (status !== 'Success')
    throw new Error(message ? String(message) : `response.result.status was '${status}', not 'Success'`);
  return Array.isArray(response.convertedObjects) ? response.convertedObjects : [];
}

/** @throws Error where it is none of the version wanted, or another one */
function sameObject(converted: unknown, original: KubeObject, apiVersion: string): Record<string, unknown> {
  if (!isObject(converted)) throw new Error('it is no object');
  if (converted.apiVersion !== apiVersion)
    throw new Error(`invalid groupVersion (expected ${apiVersion}, received ${groupVersion(converted.apiVersion)})`);
  if (converted.kind !== original.kind)
    throw new Error(`invalid kind (expected ${original.kind}, received ${converted.kind ?? ''})`);
  const metadata = isObject(converted.metadata) ? converted.metadata : {};
  for (const field of ['name', 'namespace', 'uid'] as const) {
    const [before, after] = [original.metadata[field] ?? '', metadata[field] ?? ''];
    if (before !== after)
      throw new Error(`must have the same ${field === 'uid' ? 'UID' : field}: ${before} != ${String(after)}`);
  }
  return converted;
}

const METADATA = Path.of('metadata');

/** What a webhook may change of metadata. */
const CHANGEABLE = {
  labels: (labels: Texts) => validateLabels(labels, METADATA.child('labels')),
  annotations: (annotations: Texts) => validateAnnotations(annotations, METADATA.child('annotation')),
};
type Texts = Readonly<Record<string, string>>;

/** With the original's metadata, but for labels and annotations. @throws Error for those that no object may have */
function withMetadataOf({ metadata: original }: KubeObject, converted: Record<string, unknown>): KubeObject {
  const { metadata } = converted;
  if (metadata === undefined) throw new Error('missing metadata in converted object');
  if (!isObject(metadata)) throw new Error(`invalid metadata of type ${goType(metadata)} in converted object`);
  const { labels: _labels, annotations: _annotations, ...kept } = original;
  const own: { labels?: Record<string, string>; annotations?: Record<string, string> } = {};
  for (const field of ['labels', 'annotations'] as const) {
    const given = metadata[field];
    if (given === undefined || given === null) continue;
    if (!isObject(given)) throw new Error(`invalid metadata.${field} of type ${goType(given)} in converted object`);
    for (const [key, value] of Object.entries(given))
      if (typeof value !== 'string')
        throw new Error(`metadata.${field}[${key}] must be a string, but is ${goType(value)} in converted object`);
    const texts = given as Record<string, string>;
    const errors = equal(texts, original[field]) ? [] : CHANGEABLE[field](texts);
    if (errors.length > 0) throw new Error(aggregateText(new Set(errors.map(String))));
    own[field] = texts;
  }
  return { ...converted, metadata: { ...kept, ...own } } as KubeObject;
}

function groupVersion(apiVersion: unknown): string {
  const { group, version } = parseApiVersion(String(apiVersion ?? ''));
  return group === '' ? version : `${group}/${version}`;
}
