/** Which versions a cluster can be brought to (kubeadm/app/phases/upgrade/policy.go). */

/** @returns why a cluster of one version cannot be brought to another by this release; undefined: it can */
export function versionProblem(from: string, to: string, own: string): string | undefined {
  const [current, target, release] = [from, to, own].map(partsOf);
  if (target === undefined) return `"${to}" is no version such as ${own}`;
  if (current === undefined || release === undefined) return undefined;
  if (target.minor > current.minor + 1)
    return `Specified version to upgrade to "${to}" is too high; only 1 minor version at a time can be upgraded`;
  if (target.minor < current.minor - 1)
    return `Specified version to downgrade to "${to}" is too low; only 1 minor version at a time can be downgraded`;
  if (target.minor > release.minor)
    return `Specified version to upgrade to "${to}" is at least one minor release higher than this one (${target.minor} > ${release.minor}). Such an upgrade is not supported`;
  if (target.minor < release.minor)
    return `This release can only be used to upgrade to Kubernetes version 1.${release.minor}`;
  if (target.patch > release.patch)
    return `Specified version to upgrade to "${to}" is higher than that of this release, ${own}`;
  return undefined;
}

function partsOf(version: string): { readonly minor: number; readonly patch: number } | undefined {
  const [, minor, patch] = /^v?1\.(\d+)\.(\d+)/.exec(version) ?? [];
  return minor === undefined ? undefined : { minor: Number(minor), patch: Number(patch) };
}
