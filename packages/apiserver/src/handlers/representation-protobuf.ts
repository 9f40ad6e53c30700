/** Objects and metadata as protobuf. Tables and custom resources have none; negotiation keeps them out. */
import { encodeMessage, encodeProtobuf, encodeProtobufList, frameProtobufEvent } from '@keelson/api/codec/protobuf';
import { parseApiVersion } from '@keelson/api/object';
import { type ListType, type StructType, structType, typeOfKind } from '@keelson/api/schema';
import type { ChunkWriter } from '../http/chunks.ts';
import type { CachedObject } from '../registry/cached-objects.ts';
import { FrameCache } from './frames.ts';
import type { ListMeta, WatchEventType } from './representation.ts';
import { ShapedRepresentation } from './representation-shaped.ts';

/** What many clients list at once, as they do after a restart, is encoded once: as much of a list as the cache holds. */
const CACHED_BYTES = 32 * 1024 * 1024;
const messageCache = new FrameCache<CachedObject>(CACHED_BYTES);

export class ShapedProtobuf extends ShapedRepresentation {
  readonly contentType = 'application/vnd.kubernetes.protobuf';
  readonly streamContentType = 'application/vnd.kubernetes.protobuf;stream=watch';

  protected encode(body: object): Buffer {
    return encodeProtobuf(body, typeOf(body as Identified));
  }
  protected frame(type: WatchEventType, object: object): Buffer {
    return frameProtobufEvent(type, this.encode(object));
  }
  /**
   * The length of the whole comes first: nothing goes out before every item was encoded once. What the cache does not hold
   * is encoded again when it goes out, so that no list is in memory as a whole.
   */
  override *list(items: readonly CachedObject[], meta: ListMeta, out: ChunkWriter): Iterable<void> {
    const head = this.options.shape.listHead(meta) as Identified & { readonly metadata: object };
    const { element } = typeOf(head).byJson.get('items')!.type as ListType;
    const form = `item of ${head.apiVersion} ${head.kind}`;
    const encode = (item: CachedObject): Buffer => encodeMessage(this.item(item), element as StructType);
    function* messages(): Iterable<Buffer> {
      let room = CACHED_BYTES;
      for (const item of items) {
        const message = room > 0 ? messageCache.get(item, form, () => encode(item)) : encode(item);
        room -= message.length;
        yield message;
      }
    }
    const sizes: number[] = [];
    for (const { length } of messages()) {
      sizes.push(length);
      yield;
    }
    for (const piece of encodeProtobufList(head.kind, head.apiVersion, head.metadata, sizes, messages())) {
      out.copy(piece);
      yield;
    }
  }
}

interface Identified {
  readonly kind: string;
  readonly apiVersion: string;
}

function typeOf({ kind, apiVersion }: Identified): StructType {
  const { group, version } = parseApiVersion(apiVersion);
  // These belong to every group's meta version; v1beta1 differs in nothing but its name.
  if (group === 'meta.k8s.io') return structType(`io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`);
  const type = typeOfKind(group, version, kind);
  if (!type) throw new Error(`no protobuf for ${apiVersion} ${kind}`);
  return type;
}
