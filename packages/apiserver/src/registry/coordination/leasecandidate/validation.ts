/** Compare pkg/apis/coordination/validation: ValidateLeaseCandidateSpec. */
import { type ErrorList, invalid, Path, required } from '@keelson/api/field';
import type { LeaseCandidate } from '@keelson/api/generated/types/coordination/v1beta1';
import { immutableField } from '../../validation/fields.ts';
import { compareSemver, isZeroSemver, parseSemver } from '../../validation/semver.ts';
import { OLDEST_EMULATION_VERSION, validateCoordinatedLeaseStrategy } from '../lease/validation.ts';

export function validateLeaseCandidate({ spec }: LeaseCandidate): ErrorList {
  const path = Path.of('spec');
  const errors: ErrorList = [];
  const { leaseName, emulationVersion = '', binaryVersion, strategy } = spec;
  if (!leaseName) errors.push(required(path.child('leaseName')));
  const emulation = parseSemver(emulationVersion);
  if (emulationVersion && !emulation)
    errors.push(invalid(path.child('emulationVersion'), emulationVersion, 'must be a valid semantic version'));
  const binary = parseSemver(binaryVersion);
  const binaryPath = path.child('binaryVersion');
  if (!binaryVersion) errors.push(required(binaryPath));
  else if (!binary) errors.push(invalid(binaryPath, binaryVersion, 'must be a valid semantic version'));
  if (binaryVersion && emulationVersion && compareSemver(binary, emulation) < 0)
    errors.push(invalid(binaryPath, binaryVersion, 'must be greater than or equal to `emulationVersion`'));
  if (!strategy) return [...errors, required(path.child('strategy'))];
  if (strategy === OLDEST_EMULATION_VERSION && isZeroSemver(emulation))
    errors.push(
      required(path.child('emulationVersion'), "must be specified when `strategy` is 'OldestEmulationVersion'"),
    );
  return [...errors, ...validateCoordinatedLeaseStrategy(strategy, path.child('strategy'))];
}

export function validateLeaseCandidateUpdate(candidate: LeaseCandidate, old: LeaseCandidate): ErrorList {
  return [
    ...validateLeaseCandidate(candidate),
    ...immutableField(candidate.spec.leaseName, old.spec.leaseName, Path.of('spec', 'leaseName')),
  ];
}
