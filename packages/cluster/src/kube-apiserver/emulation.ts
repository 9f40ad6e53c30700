/** `--emulated-version` and what belongs to it (component-base/compatibility, apiserver/pkg/server/options/server_run_options.go). */
import type { Emulation } from '@keelson/apiserver/discovery/emulation';
import { effectiveVersion, isOwnRelease, VersionError, versionErrors } from '@keelson/component/emulation';
import { type FeatureGates, parseFeatureGates } from '@keelson/component/featuregate/featuregate';
import { gateErrors } from '../feature-gates.ts';
import type { Values } from './flags.ts';

/** @throws VersionError in upstream's words */
export function emulationOf(values: Values): Emulation {
  return {
    version: effectiveVersion(values['emulated-version'], values['min-compatibility-version']),
    isForwardCompatible: values['emulation-forward-compatible'],
    servesWhatIsNamed: values['runtime-config-emulation-forward-compatible'],
  };
}

/** @throws VersionError, FeatureGateError in upstream's words */
export function gatesOf(values: Values): FeatureGates {
  return parseFeatureGates(values['feature-gates'], emulationOf(values).version);
}

/** What keeps kube-apiserver from looking any further: versions that are none, then gates. */
export function versionOrGateError(values: Values): string | undefined {
  try {
    return gateErrors(values['feature-gates'], emulationOf(values).version)[0];
  } catch (error) {
    if (error instanceof VersionError) return error.message;
    throw error;
  }
}

/** What is wrong with versions that are some. */
export function emulationErrors(values: Values): (string | false)[] {
  const { version, isForwardCompatible, servesWhatIsNamed } = emulationOf(values);
  const isOwn = isOwnRelease(version.emulated);
  const must = 'cannot be set to true if the emulation version is the same as the binary version';
  return [
    ...versionErrors(version),
    isOwn && isForwardCompatible === true && `ServerRunOptions.EmulationForwardCompatible ${must}`,
    isOwn && servesWhatIsNamed === true && `ServerRunOptions.RuntimeConfigEmulationForwardCompatible ${must}`,
  ];
}
