/** Access to devices that others use is for namespaces that an administrator has marked (pkg/registry/resource/utils.go). */
import { type ErrorList, forbidden, internal, Path } from '@keelson/api/field';
import type { ResourceClaimSpec } from '@keelson/api/generated/types/resource/v1';

const LABEL = 'resource.kubernetes.io/admin-access';

/** The labels of a namespace; undefined when there is none. */
export type NamespaceLabels = (name: string) => Readonly<Record<string, string>> | undefined;

interface MayBeAdmin {
  readonly adminAccess?: boolean;
}

/** What a new claim asks for; its spec does not change. */
export function validateRequestedAccess(
  { devices }: Pick<ResourceClaimSpec, 'devices'>,
  namespace: string,
  labelsOf: NamespaceLabels,
): ErrorList {
  const at = Path.of('spec', 'devices', 'requests');
  const wanted = devices.requests?.map(({ exactly }) => exactly);
  return validateAdminAccess(wanted, (i) => at.index(i).child('adminAccess'), namespace, labelsOf);
}

/**
 * What an allocation grants; what has been granted stays granted.
 * @param results new and old ones of a claim's status
 */
export function validateGrantedAccess(
  results: readonly MayBeAdmin[] | undefined,
  before: readonly MayBeAdmin[] | undefined,
  namespace: string,
  labelsOf: NamespaceLabels,
): ErrorList {
  if (before?.some(({ adminAccess }) => adminAccess)) return [];
  const at = Path.of('status', 'allocation', 'devices', 'results');
  return validateAdminAccess(results, (i) => at.index(i).child('adminAccess'), namespace, labelsOf);
}

/**
 * @param wanted what may ask for such access
 * @param at the path of its `adminAccess`, by index
 */
function validateAdminAccess(
  wanted: readonly (MayBeAdmin | null | undefined)[] | undefined,
  at: (index: number) => Path,
  namespace: string,
  labelsOf: NamespaceLabels,
): ErrorList {
  const first = (wanted ?? []).findIndex((one) => one?.adminAccess === true);
  if (first < 0) return [];
  const labels = labelsOf(namespace);
  if (!labels) {
    const problem = `could not retrieve namespace to verify admin access: namespaces "${namespace}" not found`;
    return [internal(at(first), problem)];
  }
  if (labels[LABEL] === 'true') return [];
  const problem = `admin access to devices requires the \`${LABEL}: true\` label on the containing namespace`;
  return [forbidden(at(first), problem)];
}
