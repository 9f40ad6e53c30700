/** `--token-auth-file`: CSV of token, user name, uid and, optionally, quoted comma-separated groups. */
import { readRecords } from '@keelson/component/go/csv';
import type { UserInfo } from '../registry/strategy.ts';
import type { TokenAuthenticator } from './authenticator.ts';

/**
 * @param text the file's content
 * @param name for error messages
 * @throws Error for broken quoting and for lines of less than three columns; no token is in its message
 */
export function parseTokenFile(text: string, name: string): Map<string, UserInfo> {
  const users = new Map<string, UserInfo>();
  for (const record of readRecords(text)) {
    if (record.length < 3)
      throw new Error(
        `token file '${name}' must have at least 3 columns (token, user name, user uid), found ${record.length}`,
      );
    const [token, user, uid, groups] = record as [string, string, string, string?];
    if (token !== '')
      users.set(token, { name: user, uid, groups: groups === undefined ? [] : groups.split(','), extra: {} });
  }
  return users;
}

export function staticTokens(users: ReadonlyMap<string, UserInfo>): TokenAuthenticator {
  return async (token) => {
    const user = users.get(token);
    return user && { user };
  };
}
