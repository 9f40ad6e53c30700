/**
 * Who may write which part of a claim's status (pkg/registry/resource/utils.go). Besides the status itself the user needs
 * `resourceclaims/binding` to allocate and reserve, and `resourceclaims/driver` for what each driver tells of its devices:
 * with a verb for devices of the service account's own node, and another for those of any.
 */

import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, forbidden, Path } from '@keelson/api/field';
import type { AllocationResult, ResourceClaimStatus } from '@keelson/api/generated/types/resource/v1';
import { structType } from '@keelson/api/schema';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { NODE_NAME, splitServiceAccountUsername } from '../../../authn/serviceaccount/names.ts';
import { type Attributes, type Authorize, forbiddenError } from '../../../authz/attributes.ts';
import type { UserInfo } from '../../strategy.ts';
import { deviceId } from './deviceid.ts';

const DEVICE = structType('io.k8s.api.resource.v1.AllocatedDeviceStatus');
const ALLOCATION = structType('io.k8s.api.resource.v1.AllocationResult');
const STATUS = Path.of('status');

/** @param asked the request for the claim's status; its verb counts */
export async function checkStatusAccess(
  authorize: Authorize,
  asked: Attributes,
  status: ResourceClaimStatus,
  old: ResourceClaimStatus,
): Promise<ErrorList> {
  return [
    ...(await checkBinding(authorize, asked, status, old)),
    // Of what is not allocated nothing is told, whoever writes.
    ...(status.allocation ? await checkDrivers(authorize, asked, status, old) : []),
  ];
}

async function checkBinding(
  authorize: Authorize,
  asked: Attributes,
  status: ResourceClaimStatus,
  old: ResourceClaimStatus,
): Promise<ErrorList> {
  if (
    semanticEqual(status.allocation, old.allocation, ALLOCATION) &&
    semanticEqual(status.reservedFor, old.reservedFor)
  )
    return [];
  const refusal = await refusalOf(authorize, { ...asked, subresource: 'binding', namespace: '', name: '' });
  if (refusal === undefined) return [];
  const problem = `changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="${asked.verb}" permission: ${refusal}`;
  return [forbidden(STATUS.child('allocation'), problem)];
}

async function checkDrivers(
  authorize: Authorize,
  asked: Attributes,
  status: ResourceClaimStatus,
  old: ResourceClaimStatus,
): Promise<ErrorList> {
  const isOwnNode = isOnNode(asked.user, nodeOf(status.allocation));
  const verbs = [...(isOwnNode ? ['associated-node:'] : []), 'arbitrary-node:'].map((prefix) => prefix + asked.verb);
  const errors: ErrorList = [];
  for (const driver of changedDrivers(status, old)) {
    const refusal = await refusalOfAll(authorize, { ...asked, subresource: 'driver', name: driver }, verbs);
    if (refusal === undefined) continue;
    const problem = `changing status.devices requires resource="resourceclaims/driver", verb="[${verbs.join(' ')}]" permission: ${refusal}`;
    errors.push(forbidden(STATUS.child('devices'), problem));
  }
  return errors;
}

/** Undefined when one of the verbs is enough; else what was said to the first. */
async function refusalOfAll(
  authorize: Authorize,
  attributes: Attributes,
  verbs: readonly string[],
): Promise<string | undefined> {
  let first: string | undefined;
  for (const verb of verbs) {
    const refusal = await refusalOf(authorize, { ...attributes, verb });
    if (refusal === undefined) return undefined;
    first ??= refusal;
  }
  return first;
}

async function refusalOf(authorize: Authorize, attributes: Attributes): Promise<string | undefined> {
  const { decision, reason, error } = await authorize(attributes);
  if (decision === 'allow') return undefined;
  const why = [error?.message ?? '', reason].filter((text) => text !== '').join(': ');
  return forbiddenError(attributes, why).message;
}

/** Sorted. */
function changedDrivers({ devices }: ResourceClaimStatus, old: ResourceClaimStatus): string[] {
  const before = new Map((old.devices ?? []).map((device) => [deviceId(device), device]));
  const drivers = new Set<string>();
  for (const device of devices ?? []) {
    const id = deviceId(device);
    const same = before.get(id);
    before.delete(id);
    if (!same || !semanticEqual(same, device, DEVICE)) drivers.add(device.driver);
  }
  for (const { driver } of before.values()) drivers.add(driver);
  return [...drivers].sort();
}

/** The one node that a claim is allocated on, as the scheduler writes it down. */
function nodeOf(allocation: AllocationResult | undefined): string | undefined {
  const [term, ...others] = allocation?.nodeSelector?.nodeSelectorTerms ?? [];
  if (!term || others.length > 0 || term.matchExpressions?.length || term.matchFields?.length !== 1) return undefined;
  const { key, operator, values } = term.matchFields[0]!;
  return key === 'metadata.name' && operator === 'In' && values?.length === 1 ? values[0] : undefined;
}

function isOnNode({ name, extra }: UserInfo, node: string | undefined): boolean {
  if (!node || !splitServiceAccountUsername(name)) return false;
  const nodes = extra[NODE_NAME] ?? [];
  return nodes.length === 1 && nodes[0] === node && nameIsDNSSubdomain(node, false).length === 0;
}
