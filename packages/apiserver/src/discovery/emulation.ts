/**
 * Which kinds a server serves that acts as a former release (apiserver/pkg/server/deleted_kinds.go, the lifecycle methods of
 * k8s.io/api).
 */
import { type EffectiveVersion, OWN_VERSION, showRelease } from '@keelson/component/emulation';
import { compareVersions } from './priorities.ts';

export interface Emulation {
  readonly version: EffectiveVersion;
  /** Of what is served in a beta or better, later versions are, too, though they are newer than the release. */
  readonly isForwardCompatible?: boolean;
  /** What `--runtime-config` names is served, though it is newer than the release. */
  readonly servesWhatIsNamed?: boolean;
}

export const NO_EMULATION: Emulation = { version: OWN_VERSION };

type Ask<T> = (group: string, version: string, resource: string) => T;

/** What `--runtime-config` says. */
export interface Decision {
  readonly isEnabled: Ask<boolean>;
  /** Whether it switches the resource on by its name, or by that of its version. */
  readonly named: Ask<'resource' | 'version' | undefined>;
}

interface KnownGroup {
  readonly name: string;
  readonly versions: readonly { readonly version: string; readonly resources: readonly { readonly name: string }[] }[];
}

/** The minor release of version 1 in which resources came, by `group/version/resource`; of those that did after 1.33. */
const INTRODUCED: Readonly<Record<string, number>> = {
  'admissionregistration.k8s.io/v1/mutatingadmissionpolicies': 36,
  'admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings': 36,
  'admissionregistration.k8s.io/v1beta1/mutatingadmissionpolicies': 34,
  'admissionregistration.k8s.io/v1beta1/mutatingadmissionpolicybindings': 34,
  'certificates.k8s.io/v1beta1/podcertificaterequests': 35,
  'resource.k8s.io/v1/deviceclasses': 34,
  'resource.k8s.io/v1/resourceclaims': 34,
  'resource.k8s.io/v1/resourceclaimtemplates': 34,
  'resource.k8s.io/v1/resourceslices': 34,
  'resource.k8s.io/v1alpha3/resourcepoolstatusrequests': 36,
  'resource.k8s.io/v1beta2/devicetaintrules': 36,
  'storage.k8s.io/v1/volumeattributesclasses': 34,
  'storagemigration.k8s.io/v1beta1/storageversionmigrations': 35,
};

/**
 * @param groups all that there are
 * @returns what is served; throws Error for what is named alone and newer than the release
 */
export function emulate(
  emulation: Emulation,
  { isEnabled, named }: Decision,
  groups: readonly KnownGroup[],
): Ask<boolean> {
  const { version: effective, isForwardCompatible = false, servesWhatIsNamed = false } = emulation;
  const { emulated } = effective;
  const isOn: Ask<boolean> = (group, version, resource) =>
    isEnabled(group, version, resource) ||
    (isForwardCompatible &&
      isStageOfBeta(version) &&
      earlier(group, version).some((v) => isEnabled(group, v, resource)));
  const isServed: Ask<boolean> = (group, version, resource) => {
    if (!isOn(group, version, resource)) return false;
    const introduced = INTRODUCED[`${group}/${version}/${resource}`] ?? 0;
    if (introduced <= emulated.minor) return true;
    const isLater = () => earlier(group, version, resource).some((v) => isServed(group, v, resource));
    if (isForwardCompatible && isLater()) return true;
    const name = named(group, version, resource);
    if (servesWhatIsNamed && name) return true;
    if (name !== 'resource') return false;
    const what = `${group}/${version}, Resource=${resource} in runtime-config`;
    throw new Error(
      `cannot enable resource ${what} because it is introduced at 1.${introduced} after the current version ${showRelease(emulated)}. Consider setting --runtime-config-emulation-forward-compatible=true`,
    );
  };
  return isServed;

  /** Betas and better before this one. */
  function earlier(group: string, version: string, resource?: string): string[] {
    const { versions = [] } = groups.find(({ name }) => name === group) ?? {};
    const has = (names: readonly { readonly name: string }[]) =>
      resource === undefined || names.some(({ name }) => name === resource);
    return versions
      .filter((each) => has(each.resources) && isStageOfBeta(each.version))
      .map((each) => each.version)
      .filter((each) => compareVersions(each, version) > 0);
  }
}

function isStageOfBeta(version: string): boolean {
  return !version.includes('alpha');
}
