/** Objects in any shape and encoding but the stored one: parsed, converted to the version asked for, shaped, encoded. */
import { encodeJson, jsonText } from '@keelson/api/codec/json';
import { encodeYaml, encodingYaml } from '@keelson/api/codec/yaml';
import type { KubeObject } from '@keelson/api/object';
import type { Pieces } from '@keelson/api/pieces';
import { ChunkWriter } from '../http/chunks.ts';
import type { CachedObject } from '../registry/cached-objects.ts';
import { frames } from './frames.ts';
import type { ListMeta, Representation } from './representation.ts';
import { aroundItems, jsonFrame, jsonList } from './representation-json.ts';
import type { Shape } from './shapes.ts';

interface ShapedOptions {
  readonly shape: Shape;
  /** From the store's version to the request's. */
  readonly convert: (object: KubeObject) => KubeObject;
  readonly parse: (cached: CachedObject) => KubeObject;
  readonly pretty: boolean;
  /** See {@link Representation.form}. */
  readonly form: string | undefined;
}

export abstract class ShapedRepresentation implements Representation {
  abstract readonly contentType: string;
  abstract readonly streamContentType: string;
  protected readonly options: ShapedOptions;
  /** What events of the form are kept as. */
  readonly #kept: Readonly<Record<'ADDED' | 'MODIFIED' | 'DELETED', string>> | undefined;
  #started = false;

  constructor(options: ShapedOptions) {
    this.options = options;
    const { form } = options;
    if (form === undefined) return;
    this.#kept = { ADDED: `${form} ADDED`, MODIFIED: `${form} MODIFIED`, DELETED: `${form} DELETED` };
  }

  protected abstract encode(body: object): Buffer;
  /** The same in pieces, as far as it has any. */
  protected *encoding(body: object): Pieces<Buffer> {
    yield;
    return this.encode(body);
  }
  protected abstract frame(type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR', object: object): Buffer;

  *object(object: KubeObject): Pieces<Buffer> {
    const converted = this.options.convert(object);
    yield;
    return yield* this.encoding(this.options.shape.one(converted, object));
  }
  *cached(cached: CachedObject): Pieces<Buffer> {
    const { form, parse } = this.options;
    const known = form === undefined ? undefined : frames.find(cached, form);
    if (known) return known;
    const object = parse(cached);
    yield;
    const body = yield* this.object(object);
    // Somebody else may have been as far meanwhile.
    if (form !== undefined && !frames.find(cached, form)) frames.keep(cached, form, body);
    return body;
  }
  abstract list(items: readonly CachedObject[], meta: ListMeta, out: ChunkWriter): Iterable<void>;
  get form(): string | undefined {
    return this.options.form;
  }
  event(type: 'ADDED' | 'MODIFIED' | 'DELETED', cached: CachedObject): Buffer {
    if (!this.#kept) return this.#event(type, cached);
    return frames.get(cached, this.#kept[type], () => this.#event(type, cached));
  }
  #event(type: 'ADDED' | 'MODIFIED' | 'DELETED', cached: CachedObject): Buffer {
    const stored = this.options.parse(cached);
    return this.frame(type, this.options.shape.event(this.options.convert(stored), stored, this.#first()));
  }
  bookmark(revision: number, initialEventsEnd: boolean): Buffer {
    return this.frame('BOOKMARK', this.options.shape.bookmark(revision, initialEventsEnd, this.#first()));
  }
  error(status: object): Buffer {
    return this.frame('ERROR', status);
  }

  protected emptyList(meta: ListMeta): Buffer {
    const { shape } = this.options;
    const [before, after] = aroundItems(shape.listHead(meta), shape.itemsField);
    return this.encode({ ...before, [shape.itemsField]: shape.noItems === 'null' ? null : [], ...after });
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
  override *cached(cached: CachedObject): Pieces<Buffer> {
    const { shape, pretty } = this.options;
    if (pretty || !shape.writeItem || !shape.oneIsList) return yield* super.cached(cached);
    const out = new ChunkWriter();
    const meta = cached.revision > 0 ? { resourceVersion: String(cached.revision) } : {};
    for (const _ of this.list([cached], meta, out)) yield;
    return out.whole();
  }
  *list(items: readonly CachedObject[], meta: ListMeta, out: ChunkWriter): Iterable<void> {
    if (this.options.pretty) return yield* this.#indentedList(items, meta, out);
    const { shape } = this.options;
    const write = this.#itemWriter(out);
    yield* jsonList(shape.listHead(meta), shape.itemsField, items, shape.noItems, out, write);
  }

  *#indentedList(items: readonly CachedObject[], meta: ListMeta, out: ChunkWriter): Iterable<void> {
    if (items.length === 0) return out.copy(this.emptyList(meta));
    const { shape } = this.options;
    const [before, after] = aroundItems(shape.listHead(meta), shape.itemsField);
    const head = jsonText(before, true);
    const rest = Object.keys(after).length > 0 ? `,${jsonText(after, true).slice(1)}` : END_OF_INDENTED;
    out.copy(Buffer.from(`${head.slice(0, -END_OF_INDENTED.length)},\n  "${shape.itemsField}": `));
    let separator = '[';
    for (const item of items) {
      const text = jsonText(this.item(item), true).replaceAll('\n', '\n    ');
      out.copy(Buffer.from(`${separator}\n    ${text}`));
      separator = ',';
      yield;
    }
    out.copy(Buffer.from(`\n  ]${rest}`));
  }

  #itemWriter(out: ChunkWriter): (item: CachedObject) => void {
    const { shape, parse } = this.options;
    const { writeItem } = shape;
    return writeItem ? (item) => writeItem(item, out, parse) : (item) => out.copy(encodeJson(this.item(item)));
  }
}

export class ShapedYaml extends ShapedRepresentation {
  readonly contentType = 'application/yaml';
  readonly streamContentType = 'application/yaml';

  protected encode(body: object): Buffer {
    return encodeYaml(body);
  }
  protected override encoding(body: object): Pieces<Buffer> {
    return encodingYaml(body);
  }
  /** Keys stand in order: some of the list's stand before its items, some behind. */
  *list(items: readonly CachedObject[], meta: ListMeta, out: ChunkWriter): Iterable<void> {
    if (items.length === 0) return out.copy(this.emptyList(meta));
    const { shape } = this.options;
    const write = ([key, value]: readonly [string, unknown]): void => out.copy(encodeYaml({ [key]: value }));
    const head = Object.entries(shape.listHead(meta)).sort(([a], [b]) => (a < b ? -1 : 1));
    head.filter(([key]) => key < shape.itemsField).forEach(write);
    out.text(`${shape.itemsField}:\n`);
    for (const item of items) {
      out.copy(encodeYaml([this.item(item)]));
      yield;
    }
    head.filter(([key]) => key > shape.itemsField).forEach(write);
  }
  protected frame(type: string, object: object): Buffer {
    return Buffer.concat([encodeYaml({ type, object }), DOCUMENT_END]);
  }
}

const END_OF_INDENTED = '\n}';
const LINE_FEED = Buffer.from('\n');
const DOCUMENT_END = Buffer.from('---\n');
