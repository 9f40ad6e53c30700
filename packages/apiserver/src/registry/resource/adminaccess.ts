/** Access to devices that others use is for namespaces that an administrator has marked (pkg/registry/resource/utils.go). */
import { type ErrorList, forbidden, internal, type Path } from '@keelson/api/field';

const LABEL = 'resource.kubernetes.io/admin-access';

/** The labels of a namespace; undefined when there is none. */
export type NamespaceLabels = (name: string) => Readonly<Record<string, string>> | undefined;

interface MayBeAdmin {
  readonly adminAccess?: boolean;
}

/**
 * @param wanted what may ask for such access
 * @param at the path of its `adminAccess`, by index
 */
export function validateAdminAccess(
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
