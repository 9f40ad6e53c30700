/** The scale subresource: replicas of a workload as an autoscaling/v1 Scale (pkg/registry/apps/deployment/storage). */
import { FieldManager } from '@keelson/api/apply/fieldmanager';
import { parentManagedFields, scaleManagedFields } from '@keelson/api/apply/scale';
import { conflict, invalid, notFound } from '@keelson/api/errors';
import * as field from '@keelson/api/field';
import type { LabelSelector } from '@keelson/api/generated/types/meta/v1';
import { apiVersionOf, type KubeObject } from '@keelson/api/object';
import { atOnce } from '@keelson/api/pieces';
import { typeOfKind } from '@keelson/api/schema';
import { selectorOfLabels, selectorOfObject } from '@keelson/api/selectors/labels';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { age, ageColumn, column, nameColumn } from '../registry/columns.ts';
import { typedForm } from '../registry/form.ts';
import { mismatchOf, wordsOf } from '../registry/preconditions.ts';
import type { ServedResource, Subresource } from '../registry/resource.ts';
import type { ScaleValues, ScaleView, TableConvertor } from '../registry/strategy.ts';
import { nonNegative } from '../registry/validation/fields.ts';
import { validateKubeObjectMeta } from '../registry/validation/objectmeta.ts';
import type { Lens } from './lens.ts';

interface Workload {
  spec: { replicas?: number; selector?: LabelSelector | Record<string, string> };
  status: { replicas?: number };
}

const workloadScale: ScaleView = {
  read: (object) => {
    const { spec, status } = object as unknown as Workload;
    return { replicas: spec.replicas, statusReplicas: status.replicas ?? 0, selector: selectorText(spec.selector) };
  },
  validate: (scale) => [
    ...validateKubeObjectMeta(scale.metadata, true, nameIsDNSSubdomain, field.Path.of('metadata')),
    ...nonNegative(replicasOf(scale), field.Path.of('spec', 'replicas')),
  ],
  write: (object, replicas) => ({ ...object, spec: { ...(object.spec as object), replicas } }),
};

function replicasOf({ spec }: KubeObject): number {
  return (spec as { replicas?: number }).replicas ?? 0;
}

const tableOf = (view: ScaleView): TableConvertor => ({
  columns: view.columns
    ? [nameColumn, ...view.columns]
    : [
        { ...nameColumn, format: '' },
        column('Desired', 'integer', 'autoscaling.v1.ScaleSpec.replicas'),
        column('Available', 'integer', 'autoscaling.v1.ScaleStatus.replicas'),
        ageColumn,
      ],
  row: (stored) => {
    const { replicas = 0, statusReplicas } = view.read(stored as KubeObject);
    // Columns of one's own are paths into the JSON, which leaves out a zero.
    const shown = view.columns && replicas === 0 ? null : replicas;
    return { cells: [stored.metadata.name ?? '', shown, statusReplicas, age(stored)] };
  },
});

/** Of custom resources: the scheme that is asked for words about a bad body knows the resource alone. */
const NO_SCALE =
  'no kind is registered for the type v1.Scale in scheme "k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go:781"';

function withoutManagers(scale: KubeObject): KubeObject {
  delete scale.metadata.managedFields;
  return scale;
}

/** An object seen as its Scale: replicas are read and written where the kind, or its definition, says they are. */
export function scaleLens(served: ServedResource, subresource: Subresource): Lens {
  const { definition, version } = served;
  const kind = { group: subresource.group ?? 'autoscaling', version: subresource.version ?? 'v1', kind: 'Scale' };
  const form = typedForm(typeOfKind(kind.group, kind.version, kind.kind)!);
  const parentVersion = apiVersionOf({ group: definition.group, version });
  const view = definition.registration.scale ?? workloadScale;
  const paths = view.replicasPaths ?? { [parentVersion]: ['f:spec', 'f:replicas'] };
  const fields = new FieldManager({
    kind,
    empty: form.empty,
    subresource: 'scale',
    versions: {
      schema: (v) => (v === apiVersionOf(kind) ? form.apply : undefined),
      convert: (object) => object,
    },
  });
  const shown = ({ metadata }: KubeObject, { replicas, statusReplicas, selector }: ScaleValues): KubeObject => {
    const { name, namespace, uid, resourceVersion, creationTimestamp, managedFields } = metadata;
    const scale = {
      kind: kind.kind,
      apiVersion: apiVersionOf(kind),
      metadata: {
        name,
        namespace,
        uid,
        resourceVersion,
        creationTimestamp,
        managedFields: scaleManagedFields(managedFields, paths),
      },
      spec: { replicas },
      status: { replicas: statusReplicas, selector },
    };
    return form.normalize(scale);
  };
  const read = (stored: KubeObject): KubeObject => withoutManagers(shown(stored, view.read(stored)));
  return {
    expected: { ...kind, form, ...(definition.storageForm.type ? {} : { unreadable: NO_SCALE }) },
    fields,
    manage: async (_size, write) => atOnce(write(fields)),
    isIdentity: false,
    readForAdmission: read,
    read,
    readForGet: (stored) => withoutManagers(shown(stored, view.readForGet?.(stored) ?? view.read(stored))),
    readForWrite: (stored) => shown(stored, view.readForWrite?.(stored) ?? view.read(stored)),
    write: (stored, scale) => {
      const { resource, group } = definition;
      const about = { group, resource: `${resource}/scale` };
      const name = scale.metadata.name ?? '';
      if (!stored) throw notFound(about, name);
      const errors = view.validate?.(scale) ?? [];
      if (errors.length > 0) throw invalid('autoscaling', 'Scale', stored.metadata.name ?? '', errors);
      const scaled = view.write(stored, replicasOf(scale));
      const { uid, resourceVersion } = scale.metadata;
      const mismatch = uid && !view.storeChecksUid ? mismatchOf({ uid }, stored.metadata) : undefined;
      if (mismatch) throw conflict(about, name, wordsOf(mismatch));
      const entries = parentManagedFields(
        stored.metadata.managedFields,
        scale.metadata.managedFields,
        paths,
        parentVersion,
      );
      const { managedFields: _, ...metadata } = stored.metadata;
      return {
        ...scaled,
        metadata: {
          ...metadata,
          ...(resourceVersion ? { resourceVersion } : {}),
          ...(entries ? { managedFields: entries } : {}),
        },
      };
    },
    defaults: () => {},
    table: tableOf(view),
  };
}

/** Replication controllers select by plain labels. */
function selectorText(selector: Workload['spec']['selector']): string {
  const isObject = selector !== undefined && ('matchLabels' in selector || 'matchExpressions' in selector);
  return String(
    isObject ? selectorOfObject(selector as LabelSelector) : selectorOfLabels(selector as Record<string, string>),
  );
}
