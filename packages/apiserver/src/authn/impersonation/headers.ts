/** Whom a request wants to be taken for, from its `Impersonate-` headers. */
import { badRequest } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type { UserInfo } from '../../registry/strategy.ts';
import { extraKey, type HeaderValues } from '../headers.ts';

const EXTRA_PREFIX = 'impersonate-extra-';

/** Undefined where nobody is to be impersonated. @throws StatusError 400 for anything else without a user name */
export function wantedUser(headers: HeaderValues): UserInfo | undefined {
  if (headers.withPrefix('impersonate-').length === 0) return undefined;
  const extra: Record<string, string[]> = {};
  const extraHeaders = headers.withPrefix(EXTRA_PREFIX);
  for (const [rest, values] of extraHeaders) {
    const key = extraKey(rest);
    extra[key] = [...(extra[key] ?? []), ...values];
  }
  const wanted: UserInfo = {
    name: headers.first('impersonate-user'),
    uid: headers.first('impersonate-uid'),
    groups: headers.all('impersonate-group'),
    extra,
  };
  if (wanted.name !== '') return wanted;
  if (wanted.uid !== '' || wanted.groups.length > 0 || extraHeaders.length > 0)
    throw badRequest(`requested ${goSyntax(wanted)} without impersonating a user name`);
  return undefined;
}

/** The user as Go's %#v prints it. */
function goSyntax({ name, uid, groups, extra }: UserInfo): string {
  const list = (values: readonly string[]): string => `[]string{${values.map(quote).join(', ')}}`;
  const entries = Object.entries(extra).sort(([a], [b]) => (a < b ? -1 : 1));
  const extraText = entries.length
    ? `{${entries.map(([key, values]) => `${quote(key)}:${list(values)}`).join(', ')}}`
    : '(nil)';
  const groupsText = groups.length ? list(groups) : '[]string(nil)';
  return `&user.DefaultInfo{Name:${quote(name)}, UID:${quote(uid)}, Groups:${groupsText}, Extra:map[string][]string${extraText}}`;
}
