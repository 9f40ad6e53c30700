/** A request as webhooks and expressions see it, without its objects (plugin/cel/condition.go: CreateAdmissionRequest). */
import type { UserInfo } from '../../registry/strategy.ts';
import type { VersionedObjects } from './forms.ts';

export function requestOf({ attributes, form }: VersionedObjects) {
  const { subresource, name, namespace, operation, user, dryRun } = attributes;
  return {
    kind: { group: form.kind.group, version: form.kind.version, kind: form.kind.kind },
    resource: { ...form.resource },
    ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind: { ...attributes.kind },
    requestResource: { ...attributes.resource },
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
    ...(name === '' ? {} : { name }),
    ...(namespace === '' ? {} : { namespace }),
    operation,
    userInfo: userInfoOf(user),
    dryRun,
    options: attributes.options() ?? null,
  };
}

function userInfoOf({ name, uid, groups, extra }: UserInfo): object {
  return {
    ...(name === '' ? {} : { username: name }),
    ...(uid === '' ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}
