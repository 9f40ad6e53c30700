/** Structs within stored bytes whose members stand in the order of names, as those of custom objects do. */
import type { StructType } from '../schema.ts';
import type { PieceWriter } from './stored.ts';
import { BRACE, BRACKET, COMMA, endOfMember, startsWith } from './stored-layout.ts';

/** The members of a struct: as its type declares them, and as those of a map stand, by name. */
export interface MemberOrder {
  readonly declared: readonly { readonly name: string; readonly items: MemberOrder | undefined }[];
  readonly sorted: readonly { readonly key: Buffer; readonly place: number }[];
}

/** The order of a type's members, and of those in its lists of structs. */
export function orderOf(type: StructType): MemberOrder {
  const declared = type.jsonFields.map(({ json, type }) => ({
    name: json,
    items: type.kind === 'list' && type.element.kind === 'struct' ? orderOf(type.element) : undefined,
  }));
  const sorted = declared.map(({ name }, place) => ({ key: Buffer.from(`"${name}":`), place }));
  return { declared, sorted: sorted.sort((a, b) => a.key.compare(b.key)) };
}

/**
 * Writes as its type declares them the members of a struct that stand in the order of names.
 * @param at the first of them
 * @param version takes the place of its resourceVersion
 * @returns the offset behind the struct
 */
export function writeInOrder(order: MemberOrder, bytes: Buffer, at: number, out: PieceWriter, version = ''): number {
  const starts: number[] = new Array(order.declared.length).fill(-1);
  const ends: number[] = starts.slice();
  let end = at;
  for (const { key, place } of order.sorted) {
    if (!startsWith(bytes, end, key)) continue;
    starts[place] = end;
    ends[place] = endOfMember(bytes, end);
    end = ends[place]! + (bytes[ends[place]!] === COMMA ? 1 : 0);
  }
  let separator = '{';
  order.declared.forEach(({ name, items }, place) => {
    const start = starts[place]!;
    const isVersion = version !== '' && name === 'resourceVersion';
    if (start < 0 && !isVersion) return;
    out.text(separator);
    separator = ',';
    if (isVersion) out.text(version);
    else if (items && bytes[start + name.length + 3] === BRACKET) {
      out.copy(bytes, start, start + name.length + 3);
      writeItemsInOrder(items, bytes, start + name.length + 3, out);
    } else out.copy(bytes, start, ends[place]);
  });
  out.text(separator === '{' ? '{}' : '}');
  return end + 1;
}

/** @param at the bracket of a list of structs */
function writeItemsInOrder(order: MemberOrder, bytes: Buffer, at: number, out: PieceWriter): void {
  out.text('[');
  for (let item = at + 1; bytes[item] === BRACE; ) {
    item = writeInOrder(order, bytes, item + 1, out);
    if (bytes[item] !== COMMA) break;
    out.text(',');
    item++;
  }
  out.text(']');
}
