/** Compare pkg/apis/core/validation: ValidateNode. */

import { duplicate, type ErrorList, forbidden, internal, invalid, Path, quote } from '@keelson/api/field';
import type { Node } from '@keelson/api/generated/types/core/v1';
import { parseCIDRSloppy } from '@keelson/api/ip';
import { repeatsIn } from '@keelson/api/validation/repeats';
import type { IsEnabled } from '../../../gates.ts';
import { internalValue } from '../../validation/internal.ts';
import { validateLegacyCIDR } from '../../validation/ip.ts';
import { validateResourceQuantity } from '../../validation/resources.ts';
import { validateNodeAnnotations } from './annotations.ts';
import { validateConfigSource, validateConfigStatus } from './config.ts';
import { validateTaints } from './taints.ts';

const METADATA = Path.of('metadata');
const SPEC = Path.of('spec');
const STATUS = Path.of('status');
const CIDRS = SPEC.child('podCIDRs');
const MAX_FEATURE_NAME = 253;
const FEATURE = /^[A-Z][A-Za-z0-9]*(?:\/[A-Za-z][A-Za-z0-9]*)*$/;

export function validateNode(node: Node, isEnabled: IsEnabled): ErrorList {
  const { metadata, spec, status } = node;
  const swap = status.nodeInfo?.swap?.capacity;
  return [
    ...validateNodeAnnotations(metadata.annotations ?? {}, METADATA.child('annotations')),
    // Upstream says metadata of where taints stand.
    ...validateTaints(spec.taints, METADATA.child('taints')),
    ...validateAmounts(node),
    ...(swap !== undefined && swap <= 0
      ? [invalid(METADATA.child('nodeSwapStatus', 'capacity'), swap, 'must be greater than zero')]
      : []),
    ...validateFeatures(status.declaredFeatures ?? []),
    ...validatePodCIDRs(spec.podCIDRs ?? [], isEnabled),
  ];
}

function validateAmounts({ status }: Node): ErrorList {
  return (['capacity', 'allocatable'] as const).flatMap((list) =>
    Object.entries(status[list] ?? {}).flatMap(([name, text]) =>
      validateResourceQuantity(name, text, STATUS.child(list, name)),
    ),
  );
}

function validateFeatures(features: readonly string[]): ErrorList {
  const path = STATUS.child('declaredFeatures');
  return features.flatMap((feature, i) => {
    const errors: ErrorList = [];
    const problem = featureProblem(feature);
    if (problem) errors.push(invalid(path.index(i), feature, `invalid feature name ${quote(feature)}: ${problem}`));
    const next = features[i + 1];
    if (next === feature) errors.push(duplicate(path.index(i + 1), next));
    else if (next !== undefined && feature > next)
      errors.push(invalid(path.index(i + 1), next, 'list must be sorted alphabetically'));
    return errors;
  });
}

function featureProblem(name: string): string | undefined {
  if (Buffer.byteLength(name) > MAX_FEATURE_NAME) return `must be no more than ${MAX_FEATURE_NAME} characters`;
  if (FEATURE.test(name)) return undefined;
  return "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes";
}

function validatePodCIDRs(cidrs: readonly string[], isEnabled: IsEnabled): ErrorList {
  const errors = cidrs.flatMap((cidr, i) => validateLegacyCIDR(CIDRS.index(i), cidr, isEnabled));
  if (cidrs.length < 2) return errors;
  const parsed = cidrs.map(parseCIDRSloppy);
  const broken = parsed.findIndex((cidr) => !cidr);
  if (broken >= 0) {
    const why = `invalid CIDR[${broken}]: <nil> (invalid CIDR address: ${cidrs[broken]})`;
    errors.push(internal(CIDRS, `invalid PodCIDRs. failed to check with dual stack with error:${why}`));
  }
  const families = new Set(parsed.map((cidr) => cidr?.ip.family));
  if (families.size < 2 || broken >= 0 || cidrs.length > 2)
    errors.push(invalid(CIDRS, cidrs, 'may specify no more than one CIDR for each IP family'));
  return errors;
}

export function validateNodeUpdate(node: Node, old: Node): ErrorList {
  const { metadata, spec, status } = node;
  const fromNothing = (name: string) => `node updates may not change ${name} except from "" to valid`;
  return [
    ...validateNodeAnnotations(metadata.annotations ?? {}, METADATA.child('annotations')),
    ...validateAmounts(node),
    ...validateFeatures(status.declaredFeatures ?? []),
    ...validateAddresses(node),
    ...validatePodCIDRsUpdate(spec.podCIDRs ?? [], old.spec.podCIDRs ?? [], fromNothing('podCIDR')),
    ...(old.spec.providerID && old.spec.providerID !== spec.providerID
      ? [forbidden(SPEC.child('providerID'), fromNothing('providerID'))]
      : []),
    ...(spec.configSource ? validateConfigSource(spec.configSource, SPEC.child('configSource')) : []),
    ...(status.config ? validateConfigStatus(status.config, STATUS.child('config')) : []),
    ...validateTaints(spec.taints, METADATA.child('taints')),
    ...((spec.externalID ?? '') === (old.spec.externalID ?? '')
      ? []
      : [forbidden(SPEC.child('externalID'), 'may not be updated')]),
  ];
}

function validateAddresses({ status }: Node): ErrorList {
  const addresses = status.addresses ?? [];
  const repeats = repeatsIn(addresses.map(({ type = '', address = '' }) => JSON.stringify([type, address])));
  return [...repeats].map((i) =>
    duplicate(STATUS.child('addresses').index(i), internalValue('io.k8s.api.core.v1.NodeAddress', addresses[i])),
  );
}

function validatePodCIDRsUpdate(cidrs: readonly string[], old: readonly string[], message: string): ErrorList {
  if (old.length === 0) return [];
  if (old.length !== cidrs.length) return [forbidden(CIDRS, message)];
  return old.flatMap((cidr, i) => (cidr === cidrs[i] ? [] : [forbidden(CIDRS, message)]));
}
