import type { ListOptions, ListResult, Store } from './store.ts';

/**
 * A list, `limit` keys at a time and all of it as of the revision of the first page: one page at least, which may be empty.
 * @throws what `Store.list` does; CompactedError when that takes longer than history lasts
 */
export async function* pagesOf(
  store: Store,
  options: ListOptions & { readonly limit: number },
): AsyncGenerator<ListResult, void, void> {
  let page = await store.list(options);
  yield page;
  while (page.kvs.length < page.count) {
    page = await store.list({ ...options, from: `${page.kvs.at(-1)!.key}\0`, revision: page.revision });
    yield page;
  }
}
