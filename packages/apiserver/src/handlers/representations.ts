/** Which representation a request gets. */

import { objectInOrder } from '@keelson/api/codec/order';
import type { KubeObject } from '@keelson/api/object';
import { headerOf } from '../http/answer.ts';
import { wantsPretty } from '../http/negotiate.ts';
import { describeField } from '../openapi/describe.ts';
import { columnDefinitions } from '../registry/columns.ts';
import type { TableConvertor } from '../registry/strategy.ts';
import { checkForm, type Form, formOf, includeObjectOf, internalGoType, UNSTRUCTURED } from '../table/form.ts';
import { defaultPrinter, type Printer } from '../table/table.ts';
import type { Representation } from './representation.ts';
import { StoredJson } from './representation-json.ts';
import { ShapedProtobuf } from './representation-protobuf.ts';
import { ShapedJson, ShapedYaml } from './representation-shaped.ts';
import type { Scope } from './scope.ts';
import { objectShape, partialShape, type Shape, tableShape } from './shapes.ts';

/**
 * @param answer what is answered with; events of a watch are neither
 * @param read the stored object, as it is answered with
 * @throws StatusError 400 for an includeObject that is none, 406 for a form that does not suit the answer
 */
export function representationFor(
  scope: Scope,
  answer?: 'object' | 'list',
  read: (stored: KubeObject) => KubeObject = scope.lens.read,
): Representation {
  const { served, store, output, lens } = scope;
  const form = formOf(output.convert) ?? { kind: 'Object' };
  if (answer) checkForm(form, answer === 'list', `${goTypeOf(scope)}${answer === 'list' ? 'List' : ''}`);
  const pretty = isPretty(scope);
  const isPlain = form.kind === 'Object' && output.mediaType === 'application/json' && !pretty;
  if (isPlain && lens.isIdentity) return new StoredJson(served.definition);

  const options = {
    shape: shapeOf(scope, form),
    // What a conversion and the resource version, which is added last, have put elsewhere stands in its place.
    convert: (object: KubeObject) => objectInOrder(read(object), lens.expected.form.type === undefined),
    parse: store.codec.object.bind(store.codec),
    pretty,
    form: formName(scope),
  };
  switch (output.mediaType) {
    case 'application/yaml':
      return new ShapedYaml(options);
    case 'application/vnd.kubernetes.protobuf':
      return new ShapedProtobuf(options);
    case 'application/json':
      return new ShapedJson(options);
  }
}

/**
 * Names all that an answer's form depends on, but the object.
 * @returns undefined where answers of one form differ: a Table tells how old things are, and its columns once; the schema of a custom
 * resource changes by itself
 */
function formName(scope: Scope): string | undefined {
  const { served, subresource, output, lens } = scope;
  const form = formOf(output.convert);
  if (form?.kind === 'Table' || !lens.expected.form.type) return undefined;
  const kind = form && form.kind !== 'Object' ? `${form.kind} ${form.version}` : '';
  const from = `${served.definition.group}/${served.version} ${subresource?.name ?? ''}`;
  return `${from} ${output.mediaType} ${isPretty(scope)} ${kind}`;
}

/**
 * What lists at the same revision have in common if they are the same, byte for byte.
 * @returns undefined where that can't be said
 */
export function listKey(scope: Scope): string | undefined {
  const form = formName(scope);
  return form === undefined ? undefined : `${form} ${scope.ctx.exchange.url}`;
}

function isPretty({ ctx, output }: Scope): boolean {
  return output.pretty || wantsPretty(ctx.info.query, headerOf(ctx.exchange.headers, 'user-agent'));
}

function goTypeOf({ served: { definition }, subresource, lens }: Scope): string {
  if (!lens.expected.form.type) return UNSTRUCTURED;
  return internalGoType(subresource?.group ?? definition.group, subresource?.kind ?? definition.kind);
}

function shapeOf(scope: Scope, form: Form): Shape {
  const { served, ctx } = scope;
  switch (form.kind) {
    case 'Object':
      return objectShape(served);
    case 'Table':
      return tableShape({
        served,
        printer: printerOf(scope),
        version: form.version,
        includeObject: includeObjectOf(ctx.info.query),
        now: ctx.receivedAt,
        isStored: scope.subresource === undefined,
      });
    default:
      return partialShape(form.version, served.definition.registration.fieldAnnotations);
  }
}

let generic: Printer | undefined;
const printers = new WeakMap<TableConvertor, Printer>();

function printerOf({ lens }: Scope): Printer {
  const { table } = lens;
  if (!table) {
    generic ??= defaultPrinter(describeField);
    return generic;
  }
  let printer = printers.get(table);
  if (!printer) {
    const columns = columnDefinitions(table.columns, describeField);
    printer = { columns, row: (object) => table.row(object) };
    printers.set(table, printer);
  }
  return printer;
}
