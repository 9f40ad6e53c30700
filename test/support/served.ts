import { afterAll, beforeAll } from 'vitest';
import { type ApiClient, apiClient } from './api-client.ts';
import { type ApiServer, type Storage, startApiServer } from './api-server.ts';

/** What a suite's tests work with, once its `beforeAll` run. */
export interface Served extends Pick<ApiClient, 'send' | 'watch'> {
  readonly server: ApiServer;
}

/**
 * An API server for all tests of a suite, as its administrator's client.
 * @param start its storage, or what starts it where there is more to it: what that needs is ended by an `afterAll` before this
 */
export function servedApi(start: Storage | (() => Promise<ApiServer>)): Served {
  let server: ApiServer;
  let client: ApiClient;
  beforeAll(async () => {
    server = typeof start === 'function' ? await start() : await startApiServer(start);
    client = apiClient(server.url, server.token);
  }, 60_000);
  afterAll(() => {
    client?.close();
    return server?.stop();
  });
  return {
    get server() {
      return server;
    },
    send: (...request) => client.send(...request),
    watch: (...request) => client.watch(...request),
  };
}
