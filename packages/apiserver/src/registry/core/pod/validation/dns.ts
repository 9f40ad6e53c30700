/** How a pod resolves names, and how it is called. */

import { type ErrorList, forbidden, invalid, notSupported, type Path, required, tooLong } from '@keelson/api/field';
import type { HostAlias, PodDNSConfig, PodSpec } from '@keelson/api/generated/types/core/v1';
import { isDNS1123SubdomainWithUnderscore } from '@keelson/api/validation/names';
import { invalidFor } from '../../../validation/fields.ts';
import { validateLegacyIP } from '../../../validation/ip.ts';
import { dnsSubdomain } from './names.ts';
import type { PodPolicy } from './options.ts';

const POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const MAX_NAMESERVERS = 3;
const MAX_SEARCHES = 32;
const MAX_SEARCH_LIST = 2048;
const MAX_HOSTNAME = 64;

export function validateDNSPolicy(policy: string, path: Path): ErrorList {
  if (policy === '') return [required(path)];
  return POLICIES.includes(policy) ? [] : [notSupported(path, policy, POLICIES)];
}

export function validateDNSConfig(
  config: PodDNSConfig | undefined,
  policy: string,
  { isEnabled }: PodPolicy,
  path: Path,
): ErrorList {
  if (policy === 'None') {
    if (!config) return [required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')];
    if (!config.nameservers?.length)
      return [required(path.child('nameservers'), 'must provide at least one DNS nameserver when `dnsPolicy` is None')];
  }
  if (!config) return [];
  const { nameservers = [], searches = [], options = [] } = config;
  const errors: ErrorList = [];
  if (nameservers.length > MAX_NAMESERVERS)
    errors.push(
      invalid(path.child('nameservers'), nameservers, `must not have more than ${MAX_NAMESERVERS} nameservers`),
    );
  for (const [i, address] of nameservers.entries())
    errors.push(...validateLegacyIP(path.child('nameservers').index(i), address, isEnabled));
  errors.push(...validateSearches(searches, path.child('searches')));
  for (const [i, option] of options.entries())
    if (!option.name) errors.push(required(path.child('options').index(i), 'must not be empty'));
  return errors;
}

function validateSearches(searches: readonly string[], path: Path): ErrorList {
  const errors: ErrorList = [];
  if (searches.length > MAX_SEARCHES)
    errors.push(invalid(path, searches, `must not have more than ${MAX_SEARCHES} search paths`));
  if (Buffer.byteLength(searches.join(' ')) > MAX_SEARCH_LIST)
    errors.push(
      invalid(
        path,
        searches,
        `must not have more than ${MAX_SEARCH_LIST} characters (including spaces) in the search list`,
      ),
    );
  for (const [i, search] of searches.entries()) {
    if (search === '.') continue;
    const domain = search.replace(/\.$/, '');
    errors.push(...invalidFor(path.index(i), domain, isDNS1123SubdomainWithUnderscore(domain)));
  }
  return errors;
}

export function validateHostAliases(aliases: readonly HostAlias[], { isEnabled }: PodPolicy, path: Path): ErrorList {
  return aliases.flatMap(({ ip, hostnames }, i) => [
    ...validateLegacyIP(path.index(i).child('ip'), ip, isEnabled),
    ...(hostnames ?? []).flatMap((name, j) => dnsSubdomain(name, path.index(i).child('hostnames').index(j))),
  ]);
}

export function validateHostnameOverride(spec: PodSpec, path: Path): ErrorList {
  const { hostnameOverride: name } = spec;
  if (name === undefined) return [];
  const at = path.child('hostnameOverride');
  const errors: ErrorList = [];
  if (spec.setHostnameAsFQDN) errors.push(forbidden(at, 'may not be specified when setHostnameAsFQDN is true'));
  if (spec.hostNetwork) errors.push(forbidden(at, 'may not be specified when hostNetwork is true'));
  if (Buffer.byteLength(name) > MAX_HOSTNAME) errors.push(tooLong(at, MAX_HOSTNAME));
  return [...errors, ...dnsSubdomain(name, at)];
}
