/** Compare pkg/apis/apiserverinternal/validation. */
import { duplicate, type ErrorList, invalid, Path, required } from '@keelson/api/field';
import type {
  ServerStorageVersion,
  StorageVersion,
  StorageVersionCondition,
  StorageVersionStatus,
} from '@keelson/api/generated/types/apiserverinternal/v1alpha1';
import {
  emptyMessage,
  isDNS1035Label,
  isDNS1123Subdomain,
  isQualifiedName,
  nameIsDNSSubdomain,
  regexMessage,
} from '@keelson/api/validation/names';
import { invalidFor } from '../../validation/fields.ts';

const STATUS = Path.of('status');

/** `apps.deployments` */
export function storageVersionNameProblems(name: string): string[] {
  const dot = name.lastIndexOf('.');
  if (dot < 0) return ['name must be in the form of <group>.<resource>'];
  return [
    ...isDNS1123Subdomain(name.slice(0, dot)).map((problem) => `the group segment ${problem}`),
    ...isDNS1035Label(name.slice(dot + 1)).map((problem) => `the resource segment ${problem}`),
  ];
}

export function validateStorageVersionStatus({ status }: StorageVersion): ErrorList {
  const seen = new Set<string>();
  return [
    ...(status.storageVersions ?? []).flatMap((version, i) => {
      const path = STATUS.child('storageVersions').index(i);
      const { apiServerID = '' } = version;
      const repeated = seen.has(apiServerID) ? [duplicate(path.child('apiServerID'), apiServerID)] : [];
      seen.add(apiServerID);
      return [...repeated, ...validateServer(version, path)];
    }),
    ...validateCommonVersion(status),
    ...validateConditions(status.conditions ?? []),
  ];
}

function validateServer(version: ServerStorageVersion, path: Path): ErrorList {
  const { apiServerID = '', encodingVersion = '', decodableVersions = [], servedVersions = [] } = version;
  return [
    ...invalidFor(path.child('apiServerID'), apiServerID, nameIsDNSSubdomain(apiServerID, false)),
    ...validateAPIVersion(encodingVersion, path.child('encodingVersion')),
    ...decodableVersions.flatMap((v, i) => validateAPIVersion(v, path.child('decodableVersions').index(i))),
    ...(decodableVersions.includes(encodingVersion)
      ? []
      : [
          invalid(
            path.child('decodableVersions'),
            version.decodableVersions,
            `decodableVersions must include encodingVersion ${encodingVersion}`,
          ),
        ]),
    ...servedVersions.flatMap((v, i) => {
      const at = path.child('servedVersions').index(i);
      const detail = `individual served version : ${v} must be included in decodableVersions : [${decodableVersions.join(' ')}]`;
      return [...validateAPIVersion(v, at), ...(decodableVersions.includes(v) ? [] : [invalid(at, v, detail)])];
    }),
  ];
}

function validateAPIVersion(text: string, path: Path): ErrorList {
  const problems = apiVersionProblems(text);
  return problems.length > 0 ? [invalid(path, text, problems.join(','))] : [];
}

function apiVersionProblems(text: string): string[] {
  const parts = text.split('/');
  if (parts.length > 2) {
    const label = regexMessage(
      "a DNS-1035 label, which must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
      '[a-z]([-a-z0-9]*[a-z0-9])?',
      'my-name',
      'abc-123',
    );
    return [`an apiVersion is ${label} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyVersion')`];
  }
  const [version = '', group] = parts.toReversed();
  return [
    ...(group === undefined ? [] : partProblems('group', group, isDNS1123Subdomain)),
    ...partProblems('version', version, isDNS1035Label),
  ];
}

function partProblems(part: string, text: string, check: (text: string) => string[]): string[] {
  return (text === '' ? [emptyMessage] : check(text)).map((problem) => `${part} part: ${problem}`);
}

function validateCommonVersion({
  storageVersions = [],
  commonEncodingVersion: stated,
}: StorageVersionStatus): ErrorList {
  const path = STATUS.child('commonEncodingVersion');
  const encodings = new Set(storageVersions.map((v) => v.encodingVersion ?? ''));
  const [common] = encodings.size === 1 ? encodings : [];
  if (common === stated) return [];
  if (common === undefined)
    return [
      invalid(
        path,
        stated,
        'should be nil if servers do not agree on the same encoding version, or if there is no server reporting the supported versions yet',
      ),
    ];
  if (stated === undefined) return [invalid(path, null, `the common encoding version is ${common}`)];
  return [invalid(path, stated, `the actual common encoding version is ${common}`)];
}

/** Upstream's path leaves `conditions` out. */
function validateConditions(conditions: readonly StorageVersionCondition[]): ErrorList {
  const seen = new Map<string, number>();
  return conditions.flatMap(({ type, status, reason, message = '' }, i) => {
    const path = STATUS.index(i);
    const before = seen.get(type);
    seen.set(type, i);
    return [
      ...(before === undefined
        ? []
        : [
            invalid(
              path.child('type'),
              type,
              `the type of the condition is not unique, it also appears in conditions[${before}]`,
            ),
          ]),
      ...invalidFor(path.child('type'), type, isQualifiedName(type)),
      ...invalidFor(path.child('status'), status, isQualifiedName(status)),
      ...(reason === '' ? [required(path.child('reason'))] : []),
      ...(message === '' ? [required(path.child('message'))] : []),
    ];
  });
}
