/**
 * Whether a value fits its schema, in the words of the answer to an apply that does not.
 * Behaviour: sigs.k8s.io/structured-merge-diff/v6/typed (validate.go, helpers.go).
 */
import { formatSharpV, formatV, GoValue, goType } from '../patch/goformat.ts';
import { isObject, type JsonObject } from '../patch/value.ts';
import { FieldsError, fieldElement, showElement } from './element.ts';
import { itemElement } from './items.ts';
import { type ApplyList, type ApplyMap, type ApplySchema, memberSchema, shapeOf } from './schema.ts';

/**
 * Duplicate items of sets and maps are faults in a configuration, but may be found in live objects.
 * @throws FieldsError that names all faults
 */
export function validate(value: unknown, schema: ApplySchema, duplicates: 'forbidden' | 'allowed'): void {
  const faults: string[] = [];
  visit(value, schema, undefined, duplicates === 'allowed' ? () => false : (seen, item) => seen.has(item), faults);
  if (faults.length === 1) throw new FieldsError(faults[0]!);
  if (faults.length > 1) throw new FieldsError(['errors:', ...faults.map((f) => `  ${f}`)].join('\n'));
}

/** To a value, for who finds fault with it: by elements, or as it is shown. Undefined for the value that all is within. */
type Way = { readonly outer: Way; readonly step: string } | undefined;

type IsDuplicate = (seen: ReadonlySet<string>, element: string) => boolean;

function visit(value: unknown, schema: ApplySchema, path: Way, isDuplicate: IsDuplicate, faults: string[]): void {
  if (value === null) return;
  if (value instanceof GoValue) {
    faults.push(at(path, misfit(value, schema)));
    return;
  }
  const shape = shapeOf(schema, value);
  if (shape === 'scalar') {
    const fault = scalarFault(value, schema.scalar!);
    if (fault) faults.push(at(path, fault));
  } else if (shape === 'map') {
    if (isObject(value)) visitMembers(value, schema.map!, path, isDuplicate, faults);
    else faults.push(at(path, `expected map, got ${wrapped(value)}`));
  } else if (Array.isArray(value)) {
    visitItems(value, schema.list!, path, isDuplicate, faults);
  } else {
    faults.push(at(path, `expected list, got ${wrapped(value)}`));
  }
}

function visitMembers(value: JsonObject, map: ApplyMap, path: Way, isDuplicate: IsDuplicate, faults: string[]): void {
  for (const name of Object.keys(value)) {
    const inner = { outer: path, step: fieldElement(name) };
    const schema = memberSchema(map, name);
    if (!schema) {
      faults.push(at(inner, 'field not declared in schema'));
      return;
    }
    visit(value[name], schema, inner, isDuplicate, faults);
  }
}

function visitItems(
  items: readonly unknown[],
  list: ApplyList,
  path: Way,
  isDuplicate: IsDuplicate,
  faults: string[],
): void {
  const seen = new Set<string>();
  for (const [i, item] of items.entries()) {
    let step = `[${i}]`;
    if (item instanceof GoValue && list.keyNames.length === 0) step = NO_ELEMENT;
    else if (!list.atomic) {
      try {
        step = itemElement(list, item);
      } catch (e) {
        if (!(e instanceof FieldsError)) throw e;
        faults.push(at(path, `element ${i}: ${e.message}`));
        return;
      }
      const duplicate = isDuplicate(seen, step);
      seen.add(step);
      if (duplicate) faults.push(at(path, `duplicate entries for key ${showElement(step)}`));
    }
    visit(item, list.element, { outer: path, step }, isDuplicate, faults);
  }
}

/** Of an item that no element of a set could stand for. */
const NO_ELEMENT = '[={{undefined}}]';

/** What is no JSON fits nowhere. */
function misfit(value: GoValue, schema: ApplySchema): string {
  const fault = schema.scalar && scalarFault(value, schema.scalar);
  return fault ?? `expected ${schema.map ? 'map' : 'list'}, got ${wrapped(value)}`;
}

function scalarFault(value: unknown, expected: NonNullable<ApplySchema['scalar']>): string | undefined {
  switch (expected) {
    case 'numeric':
      return typeof value === 'number' || typeof value === 'bigint'
        ? undefined
        : `expected numeric (int or float), got ${goType(value)}`;
    case 'string':
      return typeof value === 'string'
        ? undefined
        : `expected string, got &value.valueUnstructured{Value:${formatSharpV(value)}}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `expected boolean, got ${wrapped(value)}`;
    default:
      return typeof value === 'object' ? `expected any scalar, got ${wrapped(value)}` : undefined;
  }
}

/** How Go prints the struct that upstream wraps values in. */
function wrapped(value: unknown): string {
  return `&{${formatV(value)}}`;
}
function at(path: Way, message: string): string {
  return path ? `${shown(path)}: ${message}` : message;
}

function shown({ outer, step }: NonNullable<Way>): string {
  return (outer ? shown(outer) : '') + (step.startsWith('[') ? step : showElement(step));
}
