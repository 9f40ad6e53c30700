/** What an answer is made of: the object itself, its metadata alone, or rows of a table. */
import { type PieceWriter, writeMetadata } from '@keelson/api/codec/stored';
import { apiVersionOf, type KubeObject } from '@keelson/api/object';
import type { CachedObject } from '../registry/cached-objects.ts';
import type { ObjectForm } from '../registry/form.ts';
import type { ServedResource } from '../registry/resource.ts';
import { type IncludeObject, type MetaVersion, toPartialObjectMetadata } from '../table/form.ts';
import { PrintedRow } from '../table/row.ts';
import { type Printer, type TableRow, tableHead, tableRow, toTable } from '../table/table.ts';
import type { ListMeta } from './representation.ts';
import { bookmarkObject, emptyBookmark, listHead } from './representation-json.ts';

/** Objects come in the version of the request, and beside it as they are stored: rows are printed from that. */
export interface Shape {
  one(object: KubeObject, stored: KubeObject): object;
  /** The list without its items, which go under `itemsField`. */
  listHead(meta: ListMeta): object;
  readonly itemsField: 'items' | 'rows';
  /** What an empty list is in Go: some are made, some are nil. */
  readonly noItems: '[]' | 'null';
  item(object: KubeObject, stored: KubeObject): object;
  /** Whether one object is answered with as a list of it alone. */
  readonly oneIsList?: boolean;
  /**
   * Writes the JSON of an item of a list, where it is made of what is stored and known without reading the object.
   * @param parse reads the object all the same
   */
  readonly writeItem?: (item: CachedObject, out: PieceWriter, parse: (item: CachedObject) => KubeObject) => void;
  /** @param first no event has gone out yet */
  event(object: KubeObject, stored: KubeObject, first: boolean): object;
  bookmark(revision: number, initialEventsEnd: boolean, first: boolean): object;
}

/** Objects as they are stored. */
export function objectShape(served: ServedResource): Shape {
  const { definition, version } = served;
  const apiVersion = apiVersionOf({ group: definition.group, version });
  return {
    one: (object) => object,
    listHead: (metadata) => listHead(definition, apiVersion, metadata),
    itemsField: 'items',
    noItems: '[]',
    item: served.form.selfDescribing ? (object) => object : ({ kind: _kind, apiVersion: _apiVersion, ...rest }) => rest,
    event: (object) => object,
    bookmark: (revision, end) => emptyBookmark(definition, apiVersion, served.form, revision, end),
  };
}

/** Metadata alone. @param hidden annotations that are not shown */
export function partialShape(version: MetaVersion, hidden?: readonly string[]): Shape {
  const apiVersion = `meta.k8s.io/${version}`;
  const partial = (object: KubeObject): KubeObject => toPartialObjectMetadata(object, version, hidden);
  return {
    one: partial,
    listHead: (metadata) => ({ kind: 'PartialObjectMetadataList', apiVersion, metadata }),
    itemsField: 'items',
    noItems: 'null',
    item: partial,
    ...(hidden ? {} : { writeItem: partialWriter(version) }),
    event: partial,
    bookmark: (revision, end) => bookmarkObject({ kind: 'PartialObjectMetadata', apiVersion }, revision, end),
  };
}

/** Copies metadata out of what is stored. */
function partialWriter(version: MetaVersion): (item: CachedObject, out: PieceWriter) => void {
  const head = `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${version}",`;
  return (item, out) => writeMetadata(head, item, out);
}

export interface TableShapeOptions {
  readonly served: ServedResource;
  readonly printer: Printer;
  readonly version: MetaVersion;
  readonly includeObject: IncludeObject;
  readonly now: Date;
  /** What is shown is what is stored, not something of it that has metadata of its own. */
  readonly isStored: boolean;
}

/** Rows of a table, as kubectl shows them. */
export function tableShape({ served, printer, version, includeObject, now, isStored }: TableShapeOptions): Shape {
  const { definition } = served;
  const { fieldAnnotations: hidden } = definition.registration;
  const options = { version, includeObject, now, ...(hidden ? { hidden } : {}) };
  const apiVersion = apiVersionOf({ group: definition.group, version: served.version });
  const row = (object: KubeObject, stored: KubeObject): TableRow =>
    tableRow(printedAs(printer, stored), object, options);
  const table = (object: KubeObject, stored: KubeObject, first: boolean): object =>
    toTable(
      printedAs(printer, stored),
      [object],
      object.metadata.resourceVersion ? { resourceVersion: object.metadata.resourceVersion } : {},
      { ...options, noHeaders: !first },
    );
  return {
    one: (object, stored) => table(object, stored, true),
    listHead: (metadata) => tableHead(printer.columns, metadata, version),
    itemsField: 'rows',
    noItems: toTable(printer, [], {}, options).rows === null ? 'null' : '[]',
    item: row,
    oneIsList: true,
    ...(includeObject === 'Metadata' && isStored && !hidden ? { writeItem: rowWriter(printer, version, now) } : {}),
    event: table,
    bookmark: (revision, end, first) => {
      const empty = (form: ObjectForm): KubeObject => emptyBookmark(definition, apiVersion, form, revision, end);
      return table(empty(served.form), empty(definition.storageForm), first);
    },
  };
}

/** Rows stay with their objects. */
function rowWriter(printer: Printer, version: MetaVersion, now: Date): NonNullable<Shape['writeItem']> {
  const writeObject = partialWriter(version);
  return (item, out, parse) => {
    if (item.row?.printer !== printer) item.row = new PrintedRow(printer, printer.row(parse(item)));
    out.copy(Buffer.from(item.row.text(now)));
    writeObject(item, out);
    out.text('}');
  };
}

/** The printer's row of one object, whatever it is shown as. */
function printedAs(printer: Printer, stored: KubeObject): Printer {
  return { columns: printer.columns, row: () => printer.row(stored) };
}
