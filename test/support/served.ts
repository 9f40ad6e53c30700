import { afterAll, beforeAll } from 'vitest';
import { type ApiClient, apiClient } from './api-client.ts';
import { type Storage, startApiServer } from './api-server.ts';

/** An API server for all tests of a file. @returns a client of its administrator's, who may be asked once the tests' `beforeAll` run */
export function servedApi(storage: Storage): Pick<ApiClient, 'send' | 'watch'> {
  let client: ApiClient;
  let stop: () => Promise<unknown> = async () => {};
  beforeAll(async () => {
    const server = await startApiServer(storage);
    stop = () => server.stop();
    client = apiClient(server.url, server.token);
  }, 60_000);
  afterAll(() => {
    client?.close();
    return stop();
  });
  return { send: (...request) => client.send(...request), watch: (...request) => client.watch(...request) };
}
