/** What pods for Windows and pods for Linux may not say of each other. */

import { type ErrorList, forbidden, invalid, named, notSupported, type Path, required } from '@keelson/api/field';
import type { PodSpec, WindowsSecurityContextOptions } from '@keelson/api/generated/types/core/v1';
import { isDNS1123Subdomain } from '@keelson/api/validation/names';
import { invalidFor } from '../../../validation/fields.ts';
import { containersWithPath } from './visit.ts';

const MAX_GMSA_KIB = 64;
const MAX_DOMAIN = 256;
const MAX_USER = 104;
const NETBIOS = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/u;
const DNS_LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const DNS_DOMAIN = new RegExp(`^${DNS_LABEL}(?:\\.${DNS_LABEL})*$`);

export function validateWindowsOptions(options: WindowsSecurityContextOptions | undefined, path: Path): ErrorList {
  if (!options) return [];
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: spec, runAsUserName } = options;
  const errors =
    name === undefined ? [] : invalidFor(path.child('gmsaCredentialSpecName'), named(name), isDNS1123Subdomain(name));
  const at = path.child('gmsaCredentialSpec');
  if (spec === '') errors.push(invalid(at, spec, 'gmsaCredentialSpec cannot be an empty string'));
  else if (spec !== undefined && Buffer.byteLength(spec) > MAX_GMSA_KIB * 1024)
    errors.push(invalid(at, spec, `gmsaCredentialSpec size must be under ${MAX_GMSA_KIB} KiB`));
  if (runAsUserName !== undefined)
    errors.push(...invalidFor(path.child('runAsUserName'), named(runAsUserName), userNameProblems(runAsUserName)));
  return errors;
}

/** `DOMAIN\\user`; the domain may be missing. */
function userNameProblems(name: string): string[] {
  if (name === '') return ['runAsUserName cannot be an empty string'];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(name)) return ['runAsUserName cannot contain control characters'];
  const parts = name.split('\\');
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash'];
  const user = parts.at(-1)!;
  const domain = parts.length === 2 ? parts[0]! : undefined;
  const problems: string[] = [];
  if (domain !== undefined && Buffer.byteLength(domain) >= MAX_DOMAIN)
    problems.push(`runAsUserName's Domain length must be under ${MAX_DOMAIN} characters`);
  if (domain !== undefined && !NETBIOS.test(domain) && !DNS_DOMAIN.test(domain))
    problems.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  if (user === '') problems.push("runAsUserName's User cannot be empty");
  else if (Buffer.byteLength(user) > MAX_USER)
    problems.push(`runAsUserName's User length must not be longer than ${MAX_USER} characters`);
  if (/^[. ]+$/.test(user)) problems.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user))
    problems.push('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]');
  return problems;
}

/** Host process containers: all or none, and on the host's network. */
export function validateHostProcess(spec: PodSpec, allowPrivileged: boolean, path: Path): ErrorList {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  const containers = containersWithPath(spec, path).map(
    ([{ securityContext }, at]) => [securityContext?.windowsOptions?.hostProcess, at] as const,
  );
  const errors: ErrorList = [];
  for (const [own, at] of containers)
    if (own !== undefined && ofPod !== undefined && own !== ofPod)
      errors.push(
        invalid(
          at.child('securityContext', 'windowsOptions', 'hostProcess'),
          own,
          `pod hostProcess value must be identical if both are specified, was ${ofPod}`,
        ),
      );
  const count = containers.filter(([own]) => own ?? ofPod).length;
  if (count === 0) return errors;
  if (count !== containers.length)
    errors.push(
      invalid(
        path,
        '',
        'If pod contains any hostProcess containers then all containers must be HostProcess containers',
      ),
    );
  if (!spec.hostNetwork)
    errors.push(
      invalid(path.child('hostNetwork'), false, 'hostNetwork must be true if pod contains any hostProcess containers'),
    );
  if (!allowPrivileged) errors.push(forbidden(path, 'hostProcess containers are disallowed by cluster policy'));
  return errors;
}

const OPERATING_SYSTEMS = ['linux', 'windows'];

export function validateOS(spec: PodSpec, path: Path): ErrorList {
  if (!spec.os) return [];
  const name = spec.os.name ?? '';
  if (name === '') return [required(path.child('os', 'name'))];
  if (!OPERATING_SYSTEMS.includes(name)) return [notSupported(path.child('os'), name, OPERATING_SYSTEMS)];
  return name === 'linux' ? validateLinux(spec, path) : validateWindows(spec, path);
}

function validateLinux(spec: PodSpec, path: Path): ErrorList {
  const holders = [[spec, path] as const, ...containersWithPath(spec, path)];
  return holders.flatMap(([{ securityContext }, at]) =>
    securityContext?.windowsOptions
      ? [forbidden(at.child('securityContext', 'windowsOptions'), 'windows options cannot be set for a linux pod')]
      : [],
  );
}

const POD_FIELDS = [
  'securityContext.appArmorProfile',
  'securityContext.seLinuxOptions',
  'hostUsers',
  'hostPID',
  'hostIPC',
  'securityContext.seccompProfile',
  'securityContext.fsGroup',
  'securityContext.fsGroupChangePolicy',
  'securityContext.sysctls',
  'shareProcessNamespace',
  'securityContext.runAsUser',
  'securityContext.runAsGroup',
  'securityContext.supplementalGroups',
  'securityContext.supplementalGroupsPolicy',
  'securityContext.seLinuxChangePolicy',
];
const CONTAINER_FIELDS = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
];

function validateWindows(spec: PodSpec, path: Path): ErrorList {
  const found = (holder: object, name: string) => {
    const value = name
      .split('.')
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], holder);
    // The host's namespaces are plain booleans, and no sysctls are none; other fields count as soon as they are there.
    if (name === 'hostPID' || name === 'hostIPC') return value === true;
    return Array.isArray(value) && name.endsWith('sysctls') ? value.length > 0 : value !== undefined;
  };
  const problem = (at: Path) => forbidden(at, 'cannot be set for a windows pod');
  return [
    ...POD_FIELDS.filter((name) => found(spec, name)).map((name) => problem(path.child(name))),
    ...containersWithPath(spec, path).flatMap(([{ securityContext = {} }, at]) =>
      CONTAINER_FIELDS.filter((name) => found(securityContext, name)).map((name) =>
        problem(at.child('securityContext', name)),
      ),
    ),
  ];
}
