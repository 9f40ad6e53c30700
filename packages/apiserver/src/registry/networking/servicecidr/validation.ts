/** Compare pkg/apis/networking/validation: ValidateServiceCIDR. */
import { type ErrorList, invalid, Path, required } from '@keelson/api/field';
import type { ServiceCIDR } from '@keelson/api/generated/types/networking/v1';
import { parseCIDRSloppy } from '@keelson/api/ip';
import { internalValue } from '../../validation/internal.ts';
import { validateCIDR } from '../../validation/ip.ts';

const CIDRS = Path.of('spec', 'cidrs');
const IMMUTABLE = 'field is immutable';

export function validateServiceCIDR({ spec }: ServiceCIDR): ErrorList {
  const cidrs = spec.cidrs ?? [];
  if (cidrs.length === 0) return [required(CIDRS, 'at least one CIDR required')];
  if (cidrs.length > 2)
    return [
      invalid(CIDRS, internalValue('io.k8s.api.networking.v1.ServiceCIDRSpec', spec), 'may only hold up to 2 values'),
    ];
  const errors = cidrs.flatMap((cidr, i) => validateCIDR(CIDRS.index(i), cidr));
  const [first, second] = cidrs.map((cidr) => parseCIDRSloppy(cidr)?.ip.family);
  if (first !== undefined && first === second)
    errors.push(
      invalid(CIDRS, cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'),
    );
  return errors;
}

/** A second family may come; else nothing changes. */
export function validateServiceCIDRUpdate(obj: ServiceCIDR, old: ServiceCIDR): ErrorList {
  const cidrs = obj.spec.cidrs ?? [];
  const before = old.spec.cidrs ?? [];
  const changed = (i: number) => (cidrs[i] === before[i] ? [] : [invalid(CIDRS.index(i), cidrs[i], IMMUTABLE)]);
  if (cidrs.length === before.length) return cidrs.flatMap((_cidr, i) => changed(i));
  if (before.length === 1 && cidrs.length === 2) return [...changed(0), ...validateServiceCIDR(obj)];
  return [invalid(CIDRS, obj.spec.cidrs, IMMUTABLE)];
}
