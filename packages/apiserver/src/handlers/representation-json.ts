/**
 * Objects as JSON in the version in which they are stored: bytes are copied, with the resourceVersion spliced in.
 */
import { encodeJson, jsonText } from '@keelson/api/codec/json';
import { objectInOrder, sortedDeep } from '@keelson/api/codec/order';
import { writeListItem, writeObject, writeWhole } from '@keelson/api/codec/stored';
import { apiVersionOf, type KubeObject } from '@keelson/api/object';
import type { ChunkWriter } from '../http/chunks.ts';
import type { CachedObject } from '../registry/cached-objects.ts';
import { encodedBytesOf } from '../registry/codec.ts';
import type { ObjectForm } from '../registry/form.ts';
import type { ResourceDefinition } from '../registry/resource.ts';
import { frames } from './frames.ts';
import type { ListMeta, Representation, WatchEventType } from './representation.ts';

const NEWLINE = Buffer.from('\n');
const END_OF_EVENT = Buffer.from('}\n');
const EVENT_HEADS: Readonly<Record<WatchEventType, Buffer>> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
  BOOKMARK: Buffer.from('{"type":"BOOKMARK","object":'),
  ERROR: Buffer.from('{"type":"ERROR","object":'),
};

export class StoredJson implements Representation {
  readonly contentType = 'application/json';
  readonly streamContentType = 'application/json';
  readonly form = 'stored';
  readonly #definition: ResourceDefinition;

  constructor(definition: ResourceDefinition) {
    this.#definition = definition;
  }

  object(object: KubeObject): Buffer {
    const { resourceVersion } = object.metadata;
    // What a dry run has not looked at may be anything.
    const stored = resourceVersion === undefined || Number(resourceVersion) > 0 ? encodedBytesOf(object) : undefined;
    if (stored) return Buffer.concat([...writeObject(stored, Number(resourceVersion ?? 0)), NEWLINE]);
    return Buffer.concat([encodeJson(objectInOrder(object, !this.#definition.storageForm.type)), NEWLINE]);
  }

  cached(object: CachedObject): Buffer {
    return Buffer.concat([...writeObject(object.bytes, object.revision), NEWLINE]);
  }

  *list(items: readonly CachedObject[], metadata: ListMeta, out: ChunkWriter): Iterable<void> {
    const { storage, storageForm } = this.#definition;
    const head = listHead(this.#definition, apiVersionOf(storage), metadata);
    const write = storageForm.selfDescribing ? writeWhole : writeListItem;
    yield* jsonList(head, 'items', items, '[]', out, (item) => write(item, out));
  }

  event(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: CachedObject): Buffer {
    return frames.get(object, type, () =>
      Buffer.concat([EVENT_HEADS[type], ...writeObject(object.bytes, object.revision), END_OF_EVENT]),
    );
  }

  bookmark(revision: number, initialEventsEnd: boolean): Buffer {
    const { storage, storageForm } = this.#definition;
    const bookmark = emptyBookmark(this.#definition, apiVersionOf(storage), storageForm, revision, initialEventsEnd);
    return jsonFrame('BOOKMARK', storageForm.selfDescribing ? sortedDeep(bookmark) : bookmark);
  }

  error(status: object): Buffer {
    return jsonFrame('ERROR', status);
  }
}

/** A list without its items. */
export function listHead(
  { listKind, storageForm }: ResourceDefinition,
  apiVersion: string,
  metadata: ListMeta,
): object {
  if (!storageForm.selfDescribing) return { kind: listKind, apiVersion, metadata };
  return sortedDeep({ apiVersion, kind: listKind, metadata: { continue: '', ...metadata } });
}

/** What of a list stands before its items, and what behind: those of custom resources are sorted. */
export function aroundItems(head: object, itemsField: string): readonly [before: object, after: object] {
  const members = Object.entries(head);
  if (members[0]![0] !== 'apiVersion') return [head, {}];
  const isBefore = ([name]: readonly [string, unknown]): boolean => name < itemsField;
  return [
    Object.fromEntries(members.filter(isBefore)),
    Object.fromEntries(members.filter((member) => !isBefore(member))),
  ];
}

/** A list that is written item by item. @param head everything but the items */
export function* jsonList(
  head: object,
  itemsField: string,
  items: readonly CachedObject[],
  noItems: '[]' | 'null',
  out: ChunkWriter,
  write: (item: CachedObject) => void,
): Iterable<void> {
  const [before, after] = aroundItems(head, itemsField);
  const rest = jsonText(after).slice(1);
  const end = Buffer.from(`${rest === '}' ? '' : ','}${rest}\n`);
  out.copy(Buffer.from(`${jsonText(before).slice(0, -1)},"${itemsField}":`));
  if (items.length === 0) {
    out.text(noItems);
    out.copy(end);
    return;
  }
  let separator = '[';
  for (const item of items) {
    out.text(separator);
    separator = ',';
    write(item);
    yield;
  }
  out.text(']');
  out.copy(end);
}

export function jsonFrame(type: WatchEventType, object: object): Buffer {
  return Buffer.concat([EVENT_HEADS[type], encodeJson(object), END_OF_EVENT]);
}

/** An empty object of the kind in one of its forms, with what it has to say though it is empty, that carries a revision. */
export function emptyBookmark(
  { kind, registration }: ResourceDefinition,
  apiVersion: string,
  form: ObjectForm,
  revision: number,
  initialEventsEnd: boolean,
): KubeObject {
  const { metadata: _metadata, ...empty } = form.empty;
  const bookmark = { ...empty, ...bookmarkObject({ kind, apiVersion }, revision, initialEventsEnd) };
  registration.completeEmpty?.(bookmark);
  return bookmark;
}

/** What every bookmark says: the kind, and the revision that it carries. */
export function bookmarkObject(
  { kind, apiVersion }: { readonly kind: string; readonly apiVersion: string },
  revision: number,
  initialEventsEnd: boolean,
): KubeObject {
  return {
    kind,
    apiVersion,
    metadata: {
      resourceVersion: String(revision),
      ...(initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
    },
  };
}
