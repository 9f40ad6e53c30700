import type { GroupResource } from '@keelson/api/errors';

export interface EtcdOverride {
  readonly resource: GroupResource;
  /** URLs of etcd. */
  readonly servers: readonly string[];
}

/** `--etcd-servers-overrides`: `/events#http://a:2379;http://b:2379`. @returns undefined for what is none */
export function parseOverrides(texts: readonly string[]): EtcdOverride[] | undefined {
  const overrides = texts.map((text) => {
    const [, group, resource, list] = /^([^/#]*)\/([^/#]*)#([^#]*)$/.exec(text) ?? [];
    const servers = list?.split(';') ?? [''];
    return servers.includes('') ? undefined : { resource: { group: group!, resource: resource! }, servers };
  });
  return overrides.every((override) => override !== undefined) ? overrides : undefined;
}
