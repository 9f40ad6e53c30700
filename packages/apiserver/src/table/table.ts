/**
 * Objects as a meta.k8s.io Table, which `kubectl get` prints. Rows can be had one by one, so that a long list is never one
 * object.
 */
import type { TableColumnDefinition } from '@keelson/api/generated/types/meta/v1';
import type { KubeObject } from '@keelson/api/object';
import { cellsAt, type ShownCell } from '../registry/columns.ts';
import type { TableCells } from '../registry/strategy.ts';
import { type IncludeObject, type MetaVersion, toPartialObjectMetadata } from './form.ts';

/** The columns of a kind with their descriptions, and how one object fills them. */
export interface Printer<T extends KubeObject = KubeObject> {
  readonly columns: readonly TableColumnDefinition[];
  row(object: T): TableCells;
}

export interface TableOptions {
  readonly version: MetaVersion;
  readonly includeObject: IncludeObject;
  readonly now: Date;
  /** Annotations that are left out of metadata. */
  readonly hidden?: readonly string[];
}

/** Of the list, or of the one object. */
export interface TableMeta {
  readonly resourceVersion?: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export interface TableRow {
  readonly cells: readonly ShownCell[];
  readonly conditions?: NonNullable<TableCells['conditions']>;
  readonly object: KubeObject | null;
}

export interface TableHead {
  readonly kind: 'Table';
  readonly apiVersion: string;
  readonly metadata: TableMeta;
  /** Null in all events of a watch but the first. */
  readonly columnDefinitions: readonly TableColumnDefinition[] | null;
}

export interface Table extends TableHead {
  readonly rows: readonly TableRow[] | null;
}

/** Present on the bookmark that ends the initial events of a watch. */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';
const ZERO_TIME = '0001-01-01T00:00:00Z';

/** What stands before the rows. @param columns null leaves them out, as in a watch after its first event */
export function tableHead(
  columns: readonly TableColumnDefinition[] | null,
  metadata: TableMeta,
  version: MetaVersion,
): TableHead {
  return { kind: 'Table', apiVersion: `meta.k8s.io/${version}`, metadata, columnDefinitions: columns };
}

/** @param object in the version of the request, with kind and apiVersion when it is to be included whole */
export function tableRow<T extends KubeObject>(printer: Printer<T>, object: T, options: TableOptions): TableRow {
  const { cells, conditions } = printer.row(object);
  return {
    cells: cellsAt(cells, options.now),
    ...(conditions ? { conditions } : {}),
    object: included(object, options),
  };
}

/** A whole table, for single objects and for watch events. */
export function toTable<T extends KubeObject>(
  printer: Printer<T>,
  objects: readonly T[],
  metadata: TableMeta,
  options: TableOptions & { readonly noHeaders?: boolean },
): Table {
  const head = tableHead(options.noHeaders ? null : printer.columns, metadata, options.version);
  return {
    ...head,
    rows: rowsOrNull(
      printer,
      objects.map((object) => tableRow(printer, object, options)),
    ),
  };
}

/** Without rows a kind that has columns of its own says [], the others say null. */
function rowsOrNull(printer: object, rows: readonly TableRow[]): readonly TableRow[] | null {
  return rows.length === 0 && printer instanceof DefaultPrinter ? null : rows;
}

function included(object: KubeObject, { includeObject, version, hidden }: TableOptions): KubeObject | null {
  const endsInitialEvents = object.metadata.annotations?.[INITIAL_EVENTS_END] === 'true';
  if (includeObject === 'Object') return object;
  if (includeObject === 'Metadata' || endsInitialEvents) return toPartialObjectMetadata(object, version, hidden);
  return null;
}

class DefaultPrinter implements Printer {
  readonly columns: readonly TableColumnDefinition[];

  constructor(describe: (type: string, field: string) => string) {
    const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
    this.columns = [
      { name: 'Name', type: 'string', format: 'name', description: describe(meta, 'name'), priority: 0 },
      { name: 'Created At', type: 'date', format: '', description: describe(meta, 'creationTimestamp'), priority: 0 },
    ];
  }

  row({ metadata }: KubeObject): TableCells {
    return { cells: [metadata.name ?? '', metadata.creationTimestamp ?? ZERO_TIME] };
  }
}

/**
 * For kinds without columns of their own (apiserver/pkg/registry/rest/table.go).
 * @param describe the documentation of a field, for the descriptions of the columns
 */
export function defaultPrinter(describe: (type: string, field: string) => string): Printer {
  return new DefaultPrinter(describe);
}
