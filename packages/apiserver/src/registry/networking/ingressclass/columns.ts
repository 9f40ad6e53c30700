import type { IngressClass } from '@keelson/api/generated/types/networking/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

const DEFAULT_ANNOTATION = 'ingressclass.kubernetes.io/is-default-class';

export const table: TableConvertor<IngressClass> = {
  columns: [
    nameColumn,
    column('Controller', 'string', 'Controller that is responsible for handling this class'),
    column('Parameters', 'string', 'A reference to a resource with additional parameters'),
    ageColumn,
  ],
  row: (obj) => {
    const { name = '', annotations } = obj.metadata;
    const shown = annotations?.[DEFAULT_ANNOTATION] === 'true' ? `${name} (default)` : name;
    return { cells: [shown, obj.spec.controller ?? '', parameters(obj), age(obj)] };
  },
};

function parameters({ spec }: IngressClass): string {
  if (!spec.parameters) return '<none>';
  const { kind, apiGroup, name } = spec.parameters;
  return `${kind}${apiGroup === undefined ? '' : `.${apiGroup}`}/${name}`;
}
