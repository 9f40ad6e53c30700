/** Objects and metadata as protobuf. Tables and custom resources have none; negotiation keeps them out. */
import { encodeMessage, encodeProtobuf, encodeProtobufList, frameProtobufEvent } from '@keelson/api/codec/protobuf';
import { parseApiVersion } from '@keelson/api/object';
import { type ListType, type StructType, structType, typeOfKind } from '@keelson/api/schema';
import type { ChunkWriter } from '../http/chunks.ts';
import type { CachedObject } from '../registry/cacher.ts';
import { FrameCache } from './framecache.ts';
import type { ListMeta, WatchEventType } from './representation.ts';
import { ShapedRepresentation } from './representation-shaped.ts';

/** What many clients list at once, as they do after a restart, is encoded once. */
const messageCache = new FrameCache<CachedObject>(32 * 1024 * 1024);

export class ShapedProtobuf extends ShapedRepresentation {
  readonly contentType = 'application/vnd.kubernetes.protobuf';
  readonly streamContentType = 'application/vnd.kubernetes.protobuf;stream=watch';

  protected encode(body: object): Buffer {
    return encodeProtobuf(body, typeOf(body as Identified));
  }
  protected frame(type: WatchEventType, object: object): Buffer {
    return frameProtobufEvent(type, this.encode(object));
  }
  /** The length of the whole comes first: nothing goes out before every item is encoded. */
  override *list(items: readonly CachedObject[], meta: ListMeta, out: ChunkWriter): Iterable<void> {
    const head = this.options.shape.listHead(meta) as Identified & { readonly metadata: object };
    const { element } = typeOf(head).byJson.get('items')!.type as ListType;
    const form = `item of ${head.apiVersion} ${head.kind}`;
    const messages: Buffer[] = [];
    for (const item of items) {
      messages.push(messageCache.get(item, form, () => encodeMessage(this.item(item), element as StructType)));
      yield;
    }
    for (const piece of encodeProtobufList(head.kind, head.apiVersion, head.metadata, messages)) {
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
