/** The scale subresource of a custom resource, whose definition says where replicas stand (registry/customresource/etcd.go). */
import { badRequest, internalError } from '@keelson/api/errors';
import type { CustomResourceSubresourceScale } from '@keelson/api/generated/types/apiextensions/v1';
import { clone } from '@keelson/api/patch/value';
import type { ScaleView } from '../registry/strategy.ts';
import { NestedTypeError, nestedInteger, nestedString, setNested, splitPath } from './paths.ts';

export function customScale(scale: CustomResourceSubresourceScale): ScaleView {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  return {
    replicasPath: splitPath(specReplicasPath).map((name) => `f:${name}`),
    read: (object) =>
      explained(() => {
        const replicas = nestedInteger(object, specReplicasPath);
        if (replicas === undefined) throw internalError(`the spec replicas field "${specReplicasPath}" does not exist`);
        return {
          replicas,
          statusReplicas: nestedInteger(object, statusReplicasPath) ?? 0,
          selector: labelSelectorPath ? (nestedString(object, labelSelectorPath) ?? '') : '',
        };
      }),
    write: (object, replicas) =>
      explained(() => {
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
