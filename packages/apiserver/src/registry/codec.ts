/**
 * Between an object and its bytes in the store. Stored is the canonical JSON of the storage version without
 * resourceVersion: the revision under which it lies is its resourceVersion, spliced in whenever it goes out.
 */
import { encodeStored, encodingSorted, parseStored } from '@keelson/api/codec/stored';
import { type KubeObject, parseApiVersion } from '@keelson/api/object';
import { atOnce, type Pieces } from '@keelson/api/pieces';
import type { KeyValue } from '@keelson/storage/store';
import { LRUCache } from 'lru-cache';
import type { CachedObject } from './cached-objects.ts';
import { toStorage } from './conversion.ts';
import { readStored } from './readstored.ts';
import type { ResourceDefinition } from './resource.ts';
import { sharedText, withSharedTexts } from './sharedtext.ts';

/** Of what is stored: three times as much memory. */
const JUST_ENCODED_BYTES = 16 * 1024 * 1024;

/**
 * Objects this process encoded a moment ago: the event that brings them back need not be parsed again. No more than are
 * being written at once, since an object takes three times the memory of its bytes, which stay.
 */
const justEncoded = new LRUCache<Uint8Array, KubeObject>({
  max: 256,
  maxSize: JUST_ENCODED_BYTES,
  sizeCalculation: (_, bytes) => bytes.length,
});
/** The other way round: whoever wrote an object is answered with it. */
const encodedBytes = new WeakMap<KubeObject, Buffer>();

/** What was read last, for who is told of it next: it need not be parsed again. */
let justRead: { readonly cached: CachedObject; readonly object: KubeObject } | undefined;

const NO_LABELS: Readonly<Record<string, string>> = {};

/** The bytes in the store of an object that {@link ObjectCodec.encode} returned. */
export function encodedBytesOf(object: KubeObject): Buffer | undefined {
  return encodedBytes.get(object);
}

export class ObjectCodec {
  readonly #definition: ResourceDefinition;

  constructor(definition: ResourceDefinition) {
    this.#definition = definition;
  }

  /**
   * The object as it comes back from the store, in canonical form however it was put together, so that equal objects are
   * equal bytes; and these bytes. Resource version and selfLink are not among them, empty lists become what they are once
   * stored. The object returned must not be changed.
   * @param isStored false for a dry run, which does not come as far as the store, where selfLink is taken away
   */
  encode(given: KubeObject, isStored = true): { object: KubeObject; bytes: Buffer } {
    return atOnce(this.encoding(given, isStored));
  }

  /** The same in pieces. */
  *encoding(given: KubeObject, isStored = true): Pieces<{ object: KubeObject; bytes: Buffer }> {
    const { storageForm, registration } = this.#definition;
    const object = storageForm.normalize(this.#asRead(given));
    yield;
    if (!registration.storedAsJson) storageForm.emptiesToNull(object);
    storageForm.reread?.(object);
    if (isStored) delete object.metadata.selfLink;
    yield;
    const bytes = storageForm.type ? encodeStored(object) : yield* encodingSorted(object);
    justEncoded.set(bytes, object);
    encodedBytes.set(object, bytes);
    return { object, bytes };
  }

  /** An object that goes with the write that was to change it: in canonical form, empty lists as they were sent. */
  unstored(given: KubeObject): KubeObject {
    return this.#definition.storageForm.normalize(given);
  }

  /** The stored object as the answer to a write that changed nothing. It must not be changed. */
  unchanged(cached: CachedObject): KubeObject {
    const object = this.object(cached);
    encodedBytes.set(object, cached.bytes);
    return object;
  }

  /** What is read has its defaults, also in the place of what was empty and is therefore not written. */
  #asRead(given: KubeObject): KubeObject {
    const { registration, storage, storageForm } = this.#definition;
    const written = storageForm.withoutEmpties(given);
    if (written !== given) registration.strategy.defaults?.(written, storage.version);
    return written;
  }

  #read(kv: KeyValue): { object: KubeObject; bytes: Buffer } {
    const { storage, storageForm } = this.#definition;
    const read = readStored(kv, (object) => this.#updated(object));
    const { group, version } = parseApiVersion(read.object.apiVersion ?? '');
    if (!storageForm.type || version === storage.version || group !== storage.group) return read;
    const object = this.#updated(read.object);
    return { object, bytes: encodeStored(object) };
  }

  /** Other releases may have stored another version of the kind, and did not know all of today's defaults. */
  #updated(given: KubeObject): KubeObject {
    const { storage, storageForm, registration } = this.#definition;
    const { group, version } = parseApiVersion(given.apiVersion ?? '');
    registration.strategy.defaults?.(given, version);
    const object = group === storage.group ? toStorage({ definition: this.#definition, version }, given) : given;
    registration.strategy.complete?.(object);
    // Of what was decoded in its own version nothing but the order of what is new can be amiss, and that is dear to mend.
    return version === storage.version ? object : storageForm.normalize(object);
  }

  /**
   * Reads what this server or a kube-apiserver has stored: JSON or the protobuf envelope, in any version served.
   * @throws UnreadableValueError
   */
  cached(kv: KeyValue): CachedObject {
    const known = justEncoded.get(kv.value);
    const { object, bytes } = known ? { object: known, bytes: kv.value as Buffer } : this.#read(kv);
    const { metadata } = object;
    const cached: CachedObject = {
      key: kv.key,
      namespace: sharedText(metadata.namespace ?? ''),
      name: metadata.name ?? '',
      revision: kv.modRevision,
      bytes,
      labels: metadata.labels ? withSharedTexts(metadata.labels) : NO_LABELS,
      fields: withSharedTexts(this.fieldsOf(object)),
      row: undefined,
      layout: undefined,
    };
    justRead = { cached, object };
    return cached;
  }

  /** By what field selectors choose: name, namespace, and what the kind has besides. */
  fieldsOf(object: KubeObject): Record<string, string> {
    const { metadata } = object;
    const own = this.#definition.registration.strategy.selectableFields?.(object);
    return this.#definition.namespaced
      ? { 'metadata.name': metadata.name ?? '', 'metadata.namespace': metadata.namespace ?? '', ...own }
      : { 'metadata.name': metadata.name ?? '', ...own };
  }

  /** An object that others may have too: nobody may change it. */
  shared(cached: CachedObject): KubeObject {
    const known = justRead?.cached === cached ? justRead.object : justEncoded.get(cached.bytes);
    if (!known) return this.object(cached);
    known.metadata.resourceVersion = String(cached.revision);
    return known;
  }

  /** A fresh object that the caller may change. */
  object(cached: { readonly bytes: Buffer; readonly revision: number }): KubeObject {
    const object = parseStored(cached.bytes);
    if (cached.revision > 0) object.metadata.resourceVersion = String(cached.revision);
    return object;
  }
}
