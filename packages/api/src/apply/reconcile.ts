/**
 * Sets of fields that were written under another schema: what has become atomic since is owned as a whole.
 * Behaviour: sigs.k8s.io/structured-merge-diff/v6/typed/reconcile_schema.go.
 */
import { type FieldSet, hasChildren, LEAF } from './fieldset.ts';
import { type ApplySchema, DEDUCED } from './schema.ts';

/** The same set where nothing has become atomic. */
export function reconcile(fields: FieldSet, schema: ApplySchema): FieldSet {
  return reconcileChildren(fields, schema);
}

function reconcileNode(node: FieldSet, schema: ApplySchema): FieldSet {
  const { map, list } = schema;
  if (map) {
    if (map.fields.length === 0 && map.element === DEDUCED) return node;
    return map.atomic ? LEAF : reconcileChildren(node, schema);
  }
  if (!list) return node;
  return list.atomic ? LEAF : reconcileChildren(node, schema);
}

function reconcileChildren(node: FieldSet, schema: ApplySchema): FieldSet {
  let out: FieldSet | undefined;
  for (const key in node) {
    const child = node[key]!;
    const inner = hasChildren(child) ? childSchema(schema, key) : undefined;
    if (!inner) continue;
    const reconciled = reconcileNode(child, inner);
    if (reconciled === child) continue;
    out ??= { ...node };
    out[key] = reconciled;
  }
  return out ?? node;
}

function childSchema({ map, list }: ApplySchema, key: string): ApplySchema | undefined {
  if (!map) return list?.element;
  return (key.startsWith('f:') ? map.byName.get(key.slice(2))?.schema : undefined) ?? map.element;
}
