import { canonicalTree } from '@keelson/api/codec/canonical';
import { equalValues } from '@keelson/api/codec/equality';
import { structType } from '@keelson/api/schema';

/**
 * Whether two values of a type would be stored alike: what the server leaves out when it is zero counts as absent.
 * @param type `io.k8s.api.apps.v1.DeploymentStatus`
 */
export function sameAs<T extends object>(type: string, a: T, b: T): boolean {
  const struct = structType(type);
  return equalValues(canonicalTree(a, struct), canonicalTree(b, struct));
}
