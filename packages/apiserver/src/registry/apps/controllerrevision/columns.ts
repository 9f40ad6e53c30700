import type { ControllerRevision } from '@keelson/api/generated/types/apps/v1';
import { parseApiVersion } from '@keelson/api/object';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<ControllerRevision> = {
  columns: [
    nameColumn,
    column('Controller', 'string', 'Controller of the object'),
    column('Revision', 'string', 'apps.v1.ControllerRevision.revision'),
    ageColumn,
  ],
  row: (obj) => ({
    cells: [obj.metadata.name ?? '', controllerOf(obj), obj.revision, age(obj)],
  }),
};

/** `statefulset.apps/web` */
function controllerOf({ metadata }: ControllerRevision): string {
  const reference = metadata.ownerReferences?.find((r) => r.controller === true);
  if (!reference) return '<none>';
  const { group } = parseApiVersion(reference.apiVersion);
  const kind = group === '' ? reference.kind : `${reference.kind}.${group}`;
  return kind === '' ? reference.name : `${kind.toLowerCase()}/${reference.name}`;
}
