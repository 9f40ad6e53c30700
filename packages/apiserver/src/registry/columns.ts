/** What the tables of all kinds share (k8s.io/kubernetes/pkg/printers). */
import type { LabelSelector, TableColumnDefinition } from '@keelson/api/generated/types/meta/v1';
import type { TypedObject } from '@keelson/api/object';
import { readSelector } from './validation/templateselector.ts';

/** A column described in words of its own, or by the documentation of a field. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format: string;
  readonly priority: number;
  readonly description: string | FieldReference;
}

export interface FieldReference {
  /** `io.k8s.api.core.v1.ServiceSpec` */
  readonly type: string;
  readonly field: string;
}

/** The documentation of a field of a type; '' where there is none. */
export type FieldDocs = (type: string, field: string) => string;

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/**
 * @param description a sentence, or `core.v1.ServiceSpec.type`, the field whose documentation describes the column
 * @param options `priority: 1` shows it in wide output alone
 */
export function column(
  name: string,
  type: Column['type'],
  description: string,
  options: { readonly priority?: number; readonly format?: string } = {},
): Column {
  const { priority = 0, format = '' } = options;
  return { name, type, format, priority, description: fieldReference(description) ?? description };
}

/** The same, shown in wide output alone. */
export function wideColumn(name: string, type: Column['type'], description: string): Column {
  return column(name, type, description, { priority: 1 });
}

function fieldReference(text: string): FieldReference | undefined {
  const match = /^([a-z]+\.v[a-z0-9]+\.[A-Za-z]+)\.([A-Za-z]+)$/.exec(text);
  return match ? { type: `io.k8s.api.${match[1]}`, field: match[2]! } : undefined;
}

export const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  priority: 0,
  description: { type: META, field: 'name' },
};

export const ageColumn: Column = {
  name: 'Age',
  type: 'string',
  format: '',
  priority: 0,
  description: { type: META, field: 'creationTimestamp' },
};

/** The columns as a Table carries them. */
export function columnDefinitions(columns: readonly Column[], docs: FieldDocs): TableColumnDefinition[] {
  return columns.map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format,
    description: typeof description === 'string' ? description : docs(description.type, description.field),
    priority,
  }));
}

/** What a cell shows. */
export type ShownCell = string | number | boolean | null;
/** What a cell holds: what it shows, or how long ago something was, which is told when the row goes out. */
export type Cell = ShownCell | Elapsed;

/** A text about how long ago something was. */
export class Elapsed {
  readonly #since: number;
  readonly #before: string;
  readonly #after: string;

  /** @param since milliseconds of Unix time */
  constructor(since: number, before = '', after = '') {
    this.#since = since;
    this.#before = before;
    this.#after = after;
  }

  at(now: Date): string {
    return `${this.#before}${humanDuration(now.getTime() - this.#since)}${this.#after}`;
  }
}

/** The cells as a table shows them at a time. */
export function cellsAt(cells: readonly Cell[], now: Date): ShownCell[] {
  return cells.map((cell) => (cell instanceof Elapsed ? cell.at(now) : cell));
}

/** How long ago the object was made. */
export function age(obj: TypedObject): Cell {
  return since(obj.metadata.creationTimestamp);
}

/** `3d4h`; `<unknown>` without a time. */
export function since(time: string | null | undefined): Cell {
  return time == null ? '<unknown>' : new Elapsed(Date.parse(time));
}

const FEW = 3;

/** The first three, and how many more there are (upstream's listWithMoreString). */
export function firstFew(items: readonly string[]): string {
  const text = items.slice(0, FEW).join(',');
  return items.length > FEW ? `${text} + ${items.length - FEW} more...` : text || '<unset>';
}

/**
 * Two units at most, the finer one only while the coarser is small: apimachinery's duration.HumanDuration.
 * @param milliseconds a little below zero counts as zero (clocks differ)
 */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (days < 8) return two(days, 'd', hours % 24, 'h');
  if (days < 2 * 365) return `${days}d`;
  const years = Math.trunc(days / 365);
  return years < 8 ? two(years, 'y', days % 365, 'd') : `${years}y`;
}

function two(coarse: number, coarseUnit: string, fine: number, fineUnit: string): string {
  return fine === 0 ? `${coarse}${coarseUnit}` : `${coarse}${coarseUnit}${fine}${fineUnit}`;
}

/** `a=1,b=2` by key; `<none>` for no labels. */
export function formatLabels(labels: Readonly<Record<string, string>> | null | undefined): string {
  const entries = Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? '<none>' : entries.map(([k, v]) => `${k}=${v}`).join(',');
}

/** `a=1,b in (x,y),!c`; `<none>` for a selector that selects everything, or is not there, `<error>` for what is none. */
export function formatLabelSelector(selector: LabelSelector | null | undefined): string {
  const read = readSelector(selector);
  return read ? read.toString() || '<none>' : '<error>';
}
