/** The scale subresource of a custom resource, whose definition says where replicas stand (registry/customresource/etcd.go). */
import type { ReplicasPaths } from '@keelson/api/apply/scale';
import { badRequest, internalError } from '@keelson/api/errors';
import type {
  CustomResourceDefinitionSpec,
  CustomResourceSubresourceScale,
} from '@keelson/api/generated/types/apiextensions/v1';
import { apiVersionOf, type KubeObject } from '@keelson/api/object';
import { clone } from '@keelson/api/patch/value';
import { ageColumn, type Column } from '../registry/columns.ts';
import type { ScaleValues, ScaleView } from '../registry/strategy.ts';
import { NestedTypeError, nestedInteger, nestedString, setNested, splitPath } from './paths.ts';

/** Stands for replicas that are not there, as a patch of a scale sees them. */
const UNSET = -(2 ** 31);

const COLUMNS: readonly Column[] = [
  { name: 'Desired', type: 'integer', format: '', priority: 0, description: 'Number of desired replicas' },
  { name: 'Available', type: 'integer', format: '', priority: 0, description: 'Number of actual replicas' },
  { ...ageColumn, type: 'date' },
];

/** Where each version of a definition has its replicas. */
export function replicasPaths({ group, versions }: CustomResourceDefinitionSpec): ReplicasPaths {
  return Object.fromEntries(
    (versions ?? []).map(({ name, subresources }) => {
      const path = subresources?.scale?.specReplicasPath;
      return [
        apiVersionOf({ group, version: name }),
        path === undefined ? undefined : splitPath(path).map((part) => `f:${part}`),
      ];
    }),
  );
}

/** @param paths of all versions */
export function customScale(scale: CustomResourceSubresourceScale, paths: ReplicasPaths): ScaleView {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  const valuesOf = (object: KubeObject, missing: number): ScaleValues =>
    explained(() => ({
      replicas: nestedInteger(object, specReplicasPath) ?? missing,
      statusReplicas: nestedInteger(object, statusReplicasPath) ?? 0,
      selector: labelSelectorPath ? (nestedString(object, labelSelectorPath) ?? '') : '',
    }));
  return {
    replicasPaths: paths,
    columns: COLUMNS,
    storeChecksUid: true,
    read: (object) => valuesOf(object, 0),
    readForGet: (object) => {
      const values = valuesOf(object, UNSET);
      if (values.replicas === UNSET)
        throw internalError(`the spec replicas field "${specReplicasPath}" does not exist`);
      return values;
    },
    readForWrite: (object) => valuesOf(object, UNSET),
    write: (object, replicas) =>
      explained(() => {
        if (replicas === UNSET) throw badRequest(`the spec replicas field "${specReplicasPath}" cannot be empty`);
        const scaled = clone(object);
        setNested(scaled, specReplicasPath, replicas);
        return scaled;
      }),
  };
}

function explained<T>(look: () => T): T {
  try {
    return look();
  } catch (error) {
    throw error instanceof NestedTypeError ? badRequest(error.message) : error;
  }
}
