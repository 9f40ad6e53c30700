/** `--token-auth-file`: CSV of token, user name, uid and, optionally, quoted comma-separated groups. */
import { parse } from 'csv-parse/sync';
import type { UserInfo } from '../registry/strategy.ts';
import type { TokenAuthenticator } from './authenticator.ts';

/**
 * @param text the file's content
 * @param name for error messages
 * @throws Error for broken quoting and for lines of less than three columns
 */
export function parseTokenFile(text: string, name: string): Map<string, UserInfo> {
  const users = new Map<string, UserInfo>();
  for (const record of parse(text, { relax_column_count: true, skip_empty_lines: true, bom: false }) as string[][]) {
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
