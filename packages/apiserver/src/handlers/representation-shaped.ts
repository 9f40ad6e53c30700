/** Objects in any shape and encoding but the stored one: parsed, converted to the version asked for, shaped, encoded. */
import { encodeJson } from '@keelson/api/codec/json';
import { encodeYaml } from '@keelson/api/codec/yaml';
import type { KubeObject } from '@keelson/api/object';
import type { ChunkWriter } from '../http/chunks.ts';
import type { CachedObject } from '../registry/cacher.ts';
import type { ListMeta, Representation } from './representation.ts';
import { jsonFrame, jsonList } from './representation-json.ts';
import type { Shape } from './shapes.ts';

interface ShapedOptions {
  readonly shape: Shape;
  /** From the store's version to the request's. */
  readonly convert: (object: KubeObject) => KubeObject;
  readonly parse: (cached: CachedObject) => KubeObject;
  readonly pretty: boolean;
}

export abstract class ShapedRepresentation implements Representation {
  abstract readonly contentType: string;
  abstract readonly streamContentType: string;
  protected readonly options: ShapedOptions;
  #started = false;

  constructor(options: ShapedOptions) {
    this.options = options;
  }

  protected abstract encode(body: object): Buffer;
  protected abstract frame(type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR', object: object): Buffer;

  object(object: KubeObject): Buffer {
    return this.encode(this.options.shape.one(this.options.convert(object), object));
  }
  cached(cached: CachedObject): Buffer {
    return this.object(this.options.parse(cached));
  }
  *list(items: readonly CachedObject[], meta: ListMeta, out: ChunkWriter): Iterable<void> {
    const { shape } = this.options;
    const rows: object[] = [];
    for (const item of items) {
      rows.push(this.item(item));
      yield;
    }
    const isNull = rows.length === 0 && shape.noItems === 'null';
    out.copy(this.encode({ ...shape.listHead(meta), [shape.itemsField]: isNull ? null : rows }));
  }
  event(type: 'ADDED' | 'MODIFIED' | 'DELETED', cached: CachedObject): Buffer {
    const stored = this.options.parse(cached);
    return this.frame(type, this.options.shape.event(this.options.convert(stored), stored, this.#first()));
  }
  bookmark(revision: number, initialEventsEnd: boolean): Buffer {
    return this.frame('BOOKMARK', this.options.shape.bookmark(revision, initialEventsEnd, this.#first()));
  }
  error(status: object): Buffer {
    return this.frame('ERROR', status);
  }

  protected item(cached: CachedObject): object {
    const stored = this.options.parse(cached);
    return this.options.shape.item(this.options.convert(stored), stored);
  }
  #first(): boolean {
    const first = !this.#started;
    this.#started = true;
    return first;
  }
}

export class ShapedJson extends ShapedRepresentation {
  readonly contentType = 'application/json';
  readonly streamContentType = 'application/json';

  protected encode(body: object): Buffer {
    return this.options.pretty ? encodeJson(body, true) : Buffer.concat([encodeJson(body), LINE_FEED]);
  }
  protected frame(type: 'ADDED', object: object): Buffer {
    return jsonFrame(type, object);
  }
  override *list(items: readonly CachedObject[], meta: ListMeta, out: ChunkWriter): Iterable<void> {
    if (this.options.pretty) return yield* super.list(items, meta, out);
    const { shape } = this.options;
    const write = this.#itemWriter(out);
    yield* jsonList(shape.listHead(meta), shape.itemsField, items, shape.noItems, out, write);
  }

  #itemWriter(out: ChunkWriter): (item: CachedObject) => void {
    const { shape, parse } = this.options;
    const { writeItem } = shape;
    return writeItem ? (item) => writeItem(item, parse, out) : (item) => out.copy(encodeJson(this.item(item)));
  }
}

export class ShapedYaml extends ShapedRepresentation {
  readonly contentType = 'application/yaml';
  readonly streamContentType = 'application/yaml';

  protected encode(body: object): Buffer {
    return encodeYaml(body);
  }
  protected frame(type: string, object: object): Buffer {
    return Buffer.concat([encodeYaml({ type, object }), DOCUMENT_END]);
  }
}

const LINE_FEED = Buffer.from('\n');
const DOCUMENT_END = Buffer.from('---\n');
