/** Objects and metadata as protobuf. Tables and custom resources have none; negotiation keeps them out. */
import { encodeMessage, encodeProtobuf, encodeProtobufList, frameProtobufEvent } from '@keelson/api/codec/protobuf';
import { parseApiVersion } from '@keelson/api/object';
import { type ListType, type StructType, structType, typeOfKind } from '@keelson/api/schema';
import type { CachedObject } from '../registry/cacher.ts';
import type { ListMeta, WatchEventType } from './representation.ts';
import { ShapedRepresentation } from './representation-shaped.ts';

export class ShapedProtobuf extends ShapedRepresentation {
  readonly contentType = 'application/vnd.kubernetes.protobuf';
  readonly streamContentType = 'application/vnd.kubernetes.protobuf;stream=watch';

  protected encode(body: object): Buffer {
    return encodeProtobuf(body, typeOf(body as Identified));
  }
  protected frame(type: WatchEventType, object: object): Buffer {
    return frameProtobufEvent(type, this.encode(object));
  }
  override *list(items: readonly CachedObject[], meta: ListMeta): Iterable<Buffer> {
    const head = this.options.shape.listHead(meta) as Identified & { readonly metadata: object };
    const { element } = typeOf(head).byJson.get('items')!.type as ListType;
    const messages = items.map((item) => encodeMessage(this.item(item), element as StructType));
    yield* encodeProtobufList(head.kind, head.apiVersion, head.metadata, messages);
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
